package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
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
			return nil, fmt.Errorf("lock %s: %w", path, errLockHeld)
		}
		time.Sleep(time.Millisecond)
	}
}

// tryLock returns a lock, or unix.EWOULDBLOCK if it is worth trying again.
func tryLock(path string, config *driver.Config) (*lockFile, error) {
	l := &lockFile{path: path, name: newPathName(path), found: true}
	// First without O_CREAT, which the kernel refuses for the existing file of another user in
	// a sticky directory (fs.protected_regular).
	fd, err := open(path, unix.O_RDWR)
	if err == unix.ENOENT {
		l.found = false
		fd, err = openNew(path)
		if err == unix.EEXIST {
			return nil, unix.EWOULDBLOCK
		}
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	l.fd = fd
	err = retry(func() error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	crashpoint.At("lock")
	var st unix.Stat_t
	if err == nil {
		err = unix.Fstat(fd, &st)
	}
	l.id = idOf(&st)
	// A scan unlinks by path what it has locked: the lock counts only on the file of that name.
	if err == nil && !leadsTo(path, l.id) {
		err = unix.EWOULDBLOCK
	}
	if err == nil && !l.found {
		if err = setPermissions(fd, config); err != nil {
			_ = unlinkOwn(path, l.id)
		}
		crashpoint.At("lock-permissions")
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return l, nil
}

// isOurs tells whether the name still leads to the file that is locked.
func (l *lockFile) isOurs() bool { return l.name.leadsTo(l.id) }

// remove unlinks the file while it is locked, so that no successor can lose its own, and lets go.
func (l *lockFile) remove() error {
	err := unlinkOwn(l.path, l.id)
	l.close()
	return err
}

func (l *lockFile) close() { _ = unix.Close(l.fd) }

// makeLockDir makes the directory of lock files and its parent "zerobuffer", writable for every
// user: whoever comes first would lock the others out otherwise.
func makeLockDir(dir string) error {
	for _, d := range lockDirChain(dir) {
		if err := unix.Mkdir(d, 0o777); err != nil && err != unix.EEXIST {
			return &fs.PathError{Op: "make directory", Path: d, Err: err}
		}
		crashpoint.At("make-directory")
		_, st, err := lookup(d)
		if err != nil {
			return &fs.PathError{Op: "stat", Path: d, Err: err}
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return fmt.Errorf("use %s for lock files: it is a %s, not a directory", d, kindOf(st))
		}
		if st.Mode&0o7777 != 0o1777 {
			_ = unix.Chmod(d, 0o1777) // only its owner may; for the others it works or not
			crashpoint.At("open-directory")
		}
	}
	return nil
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

// found tells whether a lock file without an owner was there: the last reader has died and had
// the same directory of lock files.
func (ls *locks) found() bool {
	for _, l := range ls.held {
		if l.found {
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
