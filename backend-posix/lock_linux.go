package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
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

// makeLockDir makes the directory of lock files and its parent "zerobuffer", writable for every
// user: whoever comes first would lock the others out otherwise.
func makeLockDir(dir string) error {
	fd, err := walkLockDir(dir, func(above int, name string) error {
		err := unix.Mkdirat(above, name, 0o777)
		crashpoint.At("make-directory")
		if err != nil && err != unix.EEXIST {
			return err
		}
		return nil
	})
	if err == nil {
		err = unix.Close(fd)
	}
	return err
}

// openLockDir opens the directory of lock files.
func openLockDir(dir string) (int, error) {
	return walkLockDir(dir, func(int, string) error { return nil })
}

// walkLockDir goes from the parent of "zerobuffer" down to dir, calls before for each directory on
// the way, and returns a descriptor of the last one. The parent is one into which everybody may
// write, and "zerobuffer" may belong to another user, who can exchange what is in it at any moment.
// So no step follows a link, and each goes on from what the one before has opened.
func walkLockDir(dir string, before func(above int, name string) error) (int, error) {
	names := lockDirChain(dir)
	path := filepath.Dir(names[0])
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open directory", Path: path, Err: err}
	}
	for _, path := range names {
		next, err := enterLockDir(fd, path, before)
		_ = unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}

// enterLockDir opens the directory at path, which is in the open directory above, and opens it to
// every user if it is this user's.
func enterLockDir(above int, path string, before func(int, string) error) (int, error) {
	name := filepath.Base(path)
	if err := before(above, name); err != nil {
		return -1, &fs.PathError{Op: "make directory", Path: path, Err: err}
	}
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(above, name, flags, 0)
	if err != nil {
		if _, st, e := lookupAt(above, name); e == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return -1, fmt.Errorf("use %s for lock files: it is a %s of user %d, not a directory; "+
				"remove it", path, kindOf(st), st.Uid)
		}
		return -1, &fs.PathError{Op: "open directory", Path: path, Err: err}
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && isOwn(&st) && st.Mode&0o7777 != 0o1777 {
		// The link leads to what is open, whatever the path leads to by now.
		_ = unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), 0o1777)
		crashpoint.At("open-directory")
	}
	return fd, nil
}

// lockDirChain returns the directories from "zerobuffer" down to dir.
func lockDirChain(dir string) []string {
	if filepath.Base(dir) == "zerobuffer" {
		return []string{dir}
	}
	return []string{filepath.Dir(dir), dir}
}

// locks are the lock files of one buffer that this process holds.
type locks struct{ held []*lockFile }

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
	for _, dir := range b.lockDirs {
		path := filepath.Join(dir, name+".lock")
		err := makeLockDir(dir)
		var l *lockFile
		if err == nil {
			l, err = acquireLock(path, config)
		}
		switch {
		case errors.Is(err, errLockHeld):
			_ = ls.remove()
			return nil, err
		case err != nil:
			config.Logger.Warn("cannot take a lock file: programs of other languages may take "+
				"this buffer for a stale one", "path", path, "error", err)
		default:
			ls.held = append(ls.held, l)
		}
	}
	return ls, nil
}

// mend makes lock files again that others have removed, and locks them.
func (ls *locks) mend(config *driver.Config) {
	for i, l := range ls.held {
		if l.isOurs() {
			continue
		}
		err := makeLockDir(filepath.Dir(l.path))
		var again *lockFile
		if err == nil {
			again, err = tryLock(l.path, config)
		}
		if err != nil {
			config.Logger.Debug("lock file is gone and cannot be made again yet",
				"path", l.path, "error", err)
			continue
		}
		config.Logger.Info("lock file was removed by another program and made again",
			"path", l.path)
		l.close()
		ls.held[i] = again
	}
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

// close lets go of the locks and leaves the files.
func (ls *locks) close() {
	for _, l := range ls.held {
		l.close()
	}
	ls.held = nil
}
