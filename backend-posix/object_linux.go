package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// objectID identifies a file however its names change. An inode number is not used again while
// a descriptor or a mapping holds it, which is the case for every objectID that is compared.
type objectID struct{ dev, ino uint64 }

func idOf(st *unix.Stat_t) objectID {
	return objectID{uint64(st.Dev), st.Ino} //nolint:unconvert // 32 bits wide on mips64
}

// lookup returns what a path leads to; a symbolic link is not followed.
func lookup(path string) (objectID, *unix.Stat_t, error) { return lookupAt(unix.AT_FDCWD, path) }

// lookupAt is lookup with a path from the directory dir on.
func lookupAt(dir int, path string) (objectID, *unix.Stat_t, error) {
	st := &unix.Stat_t{}
	err := retry(func() error { return unix.Fstatat(dir, path, st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return objectID{}, nil, err
	}
	return idOf(st), st, nil
}

// leadsTo tells whether path is a name of the object.
func leadsTo(path string, id objectID) bool {
	got, _, err := lookup(path)
	return err == nil && got == id
}

// unlinkOwn removes path if it is a name of the object and leaves it alone otherwise.
func unlinkOwn(path string, id objectID) error { return unlinkOwnAt(unix.AT_FDCWD, path, id) }

// unlinkOwnAt is unlinkOwn with a path from the directory dir on.
func unlinkOwnAt(dir int, path string, id objectID) error {
	if got, _, err := lookupAt(dir, path); err != nil || got != id {
		return nil //nolint:nilerr // it is gone, or another object
	}
	if err := unix.Unlinkat(dir, path, 0); err != nil && err != unix.ENOENT {
		return &fs.PathError{Op: "unlink", Path: path, Err: err}
	}
	crashpoint.At("unlink")
	return nil
}

// retry repeats call while a signal interrupts it: an open waits while a lease is withdrawn.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// leasePatience is how long an object is asked for that somebody holds a lease on. Ours hold one
// for some microseconds, unless they are stopped just then; whoever has planted a file could hold
// one for as long as it likes.
const leasePatience = 300 * time.Millisecond

// open opens an existing object, close-on-exec and without following a symbolic link. It waits for
// nothing but a lease, and for that not long: then the error is unix.EWOULDBLOCK.
func open(path string) (fd int, err error) {
	for end := time.Now().Add(leasePatience); ; time.Sleep(time.Millisecond) {
		fd, err = openNow(unix.AT_FDCWD, path, unix.O_RDWR)
		if err != unix.EWOULDBLOCK || time.Now().After(end) {
			return fd, err
		}
	}
}

// openNow is open that waits for nothing, with a path from the directory dir on.
func openNow(dir int, path string, flags int) (fd int, err error) {
	flags |= unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NOCTTY | unix.O_NONBLOCK
	err = retry(func() error {
		fd, err = unix.Openat(dir, path, flags, 0)
		return err
	})
	return fd, err
}

// openNew makes a file that must not exist yet, with a path from the directory dir on.
func openNew(dir int, path string) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Openat(dir, path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		return err
	})
	crashpoint.At("make-file")
	return fd, err
}

// file is an object that is being made: complete before it gets its name.
type file struct {
	fd int
	id objectID
	// temp is its temporary name where the file system cannot make nameless files.
	temp string
}

// newFile makes a nameless file in dir with the permissions of config.
func newFile(dir string, config *driver.Config) (*file, error) {
	f := &file{}
	err := retry(func() (err error) {
		f.fd, err = unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
		return err
	})
	if err == unix.EOPNOTSUPP || err == unix.EISDIR || err == unix.EINVAL {
		err = f.openTemp(dir)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "create a file in", Path: dir, Err: err}
	}
	if err := setPermissions(f.fd, config); err != nil {
		f.close()
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		f.close()
		return nil, &fs.PathError{Op: "stat a new file in", Path: dir, Err: err}
	}
	f.id = idOf(&st)
	crashpoint.At("make-nameless")
	return f, nil
}

// openTemp makes the file under a temporary name, which a kill leaves behind.
func (f *file) openTemp(dir string) error {
	for {
		f.temp = filepath.Join(dir, ".zerobuffer-"+strconv.FormatUint(rand.Uint64(), 36))
		var err error
		f.fd, err = openNew(unix.AT_FDCWD, f.temp)
		if err != unix.EEXIST {
			return err
		}
	}
}

// setPermissions gives the object its group and then its exact mode, whatever the umask.
func setPermissions(fd int, config *driver.Config) error {
	if config.Group != nil {
		if err := unix.Fchown(fd, -1, *config.Group); err != nil {
			return fmt.Errorf("give object to group %d (the process must be a member): %w",
				*config.Group, err)
		}
	}
	if err := unix.Fchmod(fd, uint32(modeOf(config))); err != nil {
		return fmt.Errorf("set mode %#o: %w", modeOf(config), err)
	}
	return nil
}

func modeOf(config *driver.Config) fs.FileMode {
	if config.Mode == 0 {
		return 0o600
	}
	return config.Mode.Perm()
}

// link gives the file its name; the error is unix.EEXIST if there is something of that name.
func (f *file) link(path string) error {
	err := f.linkAs(path)
	crashpoint.At("link")
	return err
}

func (f *file) linkAs(path string) error {
	if f.temp != "" {
		return unix.Linkat(unix.AT_FDCWD, f.temp, unix.AT_FDCWD, path, 0)
	}
	self := "/proc/self/fd/" + strconv.Itoa(f.fd)
	err := unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if err == unix.ENOENT { // no /proc: newer kernels allow it without
		err = unix.Linkat(f.fd, "", unix.AT_FDCWD, path, unix.AT_EMPTY_PATH)
	}
	return err
}

// done removes the temporary name, if there is one. The descriptor stays open.
func (f *file) done() {
	if f.temp != "" {
		_ = unlinkOwn(f.temp, f.id)
		f.temp = ""
	}
}

func (f *file) close() {
	f.done()
	_ = unix.Close(f.fd)
}

// kindOf says in words what a file is.
func kindOf(st *unix.Stat_t) string {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "regular file"
	case unix.S_IFDIR:
		return "directory"
	case unix.S_IFLNK:
		return "symbolic link"
	case unix.S_IFIFO:
		return "named pipe"
	case unix.S_IFSOCK:
		return "socket"
	}
	return "device"
}

func isRegular(st *unix.Stat_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }

// openError turns the error of opening the existing object at path into one that says what is in
// the way. It matches kind if that is no file at all, and leased if somebody holds a lease on it,
// which passes unless that was planted.
func openError(path string, err, kind, leased error) error {
	_, st, statErr := lookup(path)
	switch {
	case statErr != nil:
		return &fs.PathError{Op: "open", Path: path, Err: err}
	case !isRegular(st):
		return notRegular(path, st, kind)
	case errors.Is(err, unix.EWOULDBLOCK):
		return fmt.Errorf("open %s: somebody holds a lease on this file of user %d and does not let "+
			"go (%w); end that program, remove the file or choose another name", path, st.Uid, leased)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("open %s: %w: it belongs to user %d, group %d with mode %#o, this "+
			"process is user %d, group %d; run both as the same user, or let the reader choose "+
			"Mode and Group", path, driver.ErrPermission, st.Uid, st.Gid, st.Mode&0o7777,
			os.Geteuid(), os.Getegid())
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}

// notRegular is the error for something in the place of an object that is no file; it matches
// kind. Such a thing is never removed, because no program of ours has made it.
func notRegular(path string, st *unix.Stat_t, kind error) error {
	return fmt.Errorf("use %s: it is a %s of user %d, not a shared memory object (%w); remove it or "+
		"choose another name", path, kindOf(st), st.Uid, kind)
}

// isOwn tells whether the user of this process has made a file. Root may remove those of others,
// but everybody may put files into the directory, so whatever they are they are left alone.
func isOwn(st *unix.Stat_t) bool { return int(st.Uid) == os.Geteuid() }
