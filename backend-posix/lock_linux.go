package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// lockPatience is how long a lock that somebody holds is asked for again: the scans of peers lock
// every lock file for a moment (wire contract, section 5).
const lockPatience = 50 * time.Millisecond

// errLockHeld says that a lock file is held longer than a scan takes.
var errLockHeld = errors.New("lock file is held by another program")

// lockFile is a lock file that this process holds by flock(2), the only lock that peers see.
type lockFile struct {
	path string
	name pathName // of path
	fd   int
	id   objectID
	// owner is its user. The file of another one is locked, because peers look at it, and stays
	// where it is.
	owner uint32
	// found says that the file was there and nobody held it: its owner is dead.
	found bool
}

// acquireLock makes the lock file at path, or takes it over, and locks it. The error matches
// errLockHeld when somebody holds it.
func acquireLock(path string, config *driver.Config) (*lockFile, error) {
	for deadline := time.Now().Add(lockPatience); ; {
		l, err := tryLock(path, config)
		if l != nil || err != unix.EWOULDBLOCK {
			return l, err
		}
		if time.Now().After(deadline) {
			whose := ""
			if _, st, err := lookup(path); err == nil {
				whose = fmt.Sprintf(", it belongs to user %d", st.Uid)
			}
			return nil, fmt.Errorf("lock %s: %w%s", path, errLockHeld, whose)
		}
		time.Sleep(time.Millisecond)
	}
}

// tryLock returns a lock, or unix.EWOULDBLOCK if it is worth trying again.
func tryLock(path string, config *driver.Config) (*lockFile, error) {
	dir, err := openLockDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(dir) }()
	l := &lockFile{path: path, name: newPathName(path), found: true}
	// First without O_CREAT, which the kernel refuses for the existing file of another user in
	// a sticky directory (fs.protected_regular).
	file := filepath.Base(path)
	fd, err := openNow(dir, file, unix.O_RDWR)
	if err == unix.ENOENT {
		l.found = false
		fd, err = openNew(dir, file)
	}
	switch {
	case errors.Is(err, unix.EEXIST), errors.Is(err, unix.EWOULDBLOCK):
		return nil, unix.EWOULDBLOCK // EWOULDBLOCK: somebody holds a lease on it
	case err != nil:
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	l.fd = fd
	if err := l.lock(dir, config); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return l, nil
}

// lock locks the open file, which counts only if it is the one of that name in dir: a scan unlinks
// by path what it has locked.
func (l *lockFile) lock(dir int, config *driver.Config) error {
	var st unix.Stat_t
	if err := unix.Fstat(l.fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: l.path, Err: err}
	}
	if !isRegular(&st) {
		return notRegular(l.path, &st, fs.ErrExist)
	}
	l.id, l.owner = idOf(&st), st.Uid
	err := retry(func() error { return unix.Flock(l.fd, unix.LOCK_EX|unix.LOCK_NB) })
	crashpoint.At("lock")
	if err != nil {
		return err
	}
	file := filepath.Base(l.path)
	if id, _, err := lookupAt(dir, file); err != nil || id != l.id {
		return unix.EWOULDBLOCK
	}
	if l.found {
		return nil
	}
	if err := setPermissions(l.fd, config); err != nil {
		_ = unlinkOwnAt(dir, file, l.id)
		return err
	}
	crashpoint.At("lock-permissions")
	return nil
}

// isOurs tells whether the name still leads to the file that is locked.
func (l *lockFile) isOurs() bool { return l.name.leadsTo(l.id) }

// remove unlinks the file while it is locked, so that no successor can lose its own, and lets go.
func (l *lockFile) remove() error {
	defer l.close()
	if int(l.owner) != os.Geteuid() || !l.isOurs() {
		return nil
	}
	dir, err := openLockDir(filepath.Dir(l.path))
	if err != nil {
		return nil // then it is not ours any more
	}
	defer func() { _ = unix.Close(dir) }()
	return unlinkOwnAt(dir, filepath.Base(l.path), l.id)
}

func (l *lockFile) close() { _ = unix.Close(l.fd) }

// locks are the lock files of one buffer that this process holds.
type locks struct {
	held    []*lockFile
	missing []string // paths of those that it could not take
}

// found tells whether a lock file of that user was there that nobody held: the last reader has died
// and had the same directory of lock files. Those of other users say nothing, everybody can make
// one.
func (ls *locks) found(owner uint32) bool {
	for _, l := range ls.held {
		if l.found && l.owner == owner {
			return true
		}
	}
	return false
}

// acquireLocks takes the lock files of a buffer. Where it may not lock, it goes on without, with
// a line in the log; a lock that somebody holds is an error and leaves nothing behind.
func (b *Backend) acquireLocks(name string, config *driver.Config) (*locks, error) {
	ls := &locks{}
	said := ""
	for _, dir := range b.lockDirs {
		path := filepath.Join(dir, name+".lock")
		shut, err := makeLockDir(dir)
		if shut != nil && shut.Error() != said { // one directory is often in the other
			said = shut.Error()
			config.Logger.Warn("other users are not let into a directory of lock files, because "+
				"something else is in it: move that away", "path", dir, "reason", said)
		}
		var l *lockFile
		if err == nil {
			l, err = acquireLock(path, config)
		}
		switch {
		case errors.Is(err, errLockHeld):
			ls.giveBack()
			return nil, err
		case err != nil:
			config.Logger.Warn("cannot take a lock file: programs of other languages may take "+
				"this buffer for a stale one", "path", path, "error", err)
			ls.missing = append(ls.missing, path)
		default:
			ls.held = append(ls.held, l)
		}
	}
	return ls, nil
}

// mend makes lock files again that others have removed, and those that could not be taken before,
// and locks them.
func (ls *locks) mend(config *driver.Config) {
	for i, l := range ls.held {
		if l.isOurs() {
			continue
		}
		if again := takeAgain(l.path, config); again != nil {
			config.Logger.Info("lock file was removed by another program and made again",
				"path", l.path)
			l.close()
			ls.held[i] = again
		}
	}
	ls.missing = slices.DeleteFunc(ls.missing, func(path string) bool {
		l := takeAgain(path, config)
		if l == nil {
			return false
		}
		config.Logger.Info("lock file could be taken at last", "path", path)
		ls.held = append(ls.held, l)
		return true
	})
}

// takeAgain makes the lock file at path and locks it, or returns nil.
func takeAgain(path string, config *driver.Config) *lockFile {
	_, err := makeLockDir(filepath.Dir(path))
	var l *lockFile
	if err == nil {
		l, err = tryLock(path, config)
	}
	if err != nil {
		config.Logger.Debug("lock file cannot be taken yet", "path", path, "error", err)
		return nil
	}
	return l
}

// remove unlinks and closes all lock files.
func (ls *locks) remove() error {
	var errs []error
	for _, l := range ls.held {
		errs = append(errs, l.remove())
	}
	ls.held = nil
	return errors.Join(errs...)
}

// giveBack lets go of the locks after a create that has failed. Files that were there before stay:
// they show that what is there as well was left by a reader (see oldSegment.lockFound).
func (ls *locks) giveBack() {
	for _, l := range ls.held {
		if l.found {
			l.close()
		} else {
			_ = l.remove()
		}
	}
	ls.held = nil
}

// close lets go of the locks and leaves the files.
func (ls *locks) close() {
	for _, l := range ls.held {
		l.close()
	}
	ls.held = nil
}
