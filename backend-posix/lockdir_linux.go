package posixshm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
)

// makeLockDir makes the directory of lock files and its parent "zerobuffer", writable for every
// user: whoever comes first would lock the others out otherwise. shut says why one of them is not:
// a directory in which something else is stays as it is. It serves its own user all the same.
func makeLockDir(dir string) (shut, err error) {
	fd, err := walkLockDir(dir, func(above int, path string) (int, error) {
		err := unix.Mkdirat(above, filepath.Base(path), 0o777)
		crashpoint.At("make-directory")
		if err != nil && err != unix.EEXIST {
			return -1, &fs.PathError{Op: "make directory", Path: path, Err: err}
		}
		made := err == nil
		fd, err := enterLockDir(above, path)
		if err == nil {
			shut = errors.Join(shut, openToAll(fd, path, made))
		}
		return fd, err
	})
	if err == nil {
		err = unix.Close(fd)
	}
	return shut, err
}

// openLockDir opens the directory of lock files.
func openLockDir(dir string) (int, error) { return walkLockDir(dir, enterLockDir) }

// walkLockDir goes from the parent of "zerobuffer" down to dir by enter, and returns a descriptor
// of the last one. The parent is one into which everybody may write, and "zerobuffer" may belong to
// another user, who can exchange what is in it at any moment. So no step follows a link, and each
// goes on from what the one before has opened.
func walkLockDir(dir string, enter func(above int, path string) (int, error)) (int, error) {
	names := lockDirChain(dir)
	path := filepath.Dir(names[0])
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open directory", Path: path, Err: err}
	}
	for _, path := range names {
		next, err := enter(fd, path)
		_ = unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}

// enterLockDir opens the directory at path, which is in the open directory above.
func enterLockDir(above int, path string) (int, error) {
	name := filepath.Base(path)
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(above, name, flags, 0)
	if err != nil {
		if _, st, e := lookupAt(above, name); e == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return -1, fmt.Errorf("use %s for lock files: it is a %s of user %d, not a directory; "+
				"remove it", path, kindOf(st), st.Uid)
		}
		return -1, &fs.PathError{Op: "open directory", Path: path, Err: err}
	}
	return fd, nil
}

// openToAll opens the directory of fd to every user if it is this user's, and was just made or
// holds nothing but lock files. The error says what else it holds.
func openToAll(fd int, path string, made bool) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "stat directory", Path: path, Err: err}
	}
	if !isOwn(&st) || st.Mode&0o7777 == 0o1777 {
		return nil
	}
	if !made {
		if err := onlyLockFiles(fd, path); err != nil {
			return err
		}
	}
	// The link leads to what is open, whatever the path leads to by now.
	_ = unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), 0o1777)
	crashpoint.At("open-directory")
	return nil
}

// onlyLockFiles returns an error unless the directory of fd holds nothing but lock files and their
// directory.
func onlyLockFiles(fd int, path string) error {
	fd, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "read directory", Path: path, Err: err}
	}
	dir := os.NewFile(uintptr(fd), path)
	defer func() { _ = dir.Close() }()
	for {
		names, err := dir.Readdirnames(100)
		for _, name := range names {
			if !strings.HasSuffix(name, ".lock") && name != "locks" {
				return fmt.Errorf("%s is no lock file", filepath.Join(path, name))
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// lockDirChain returns the directories from "zerobuffer" down to dir.
func lockDirChain(dir string) []string {
	if filepath.Base(dir) == "zerobuffer" {
		return []string{dir}
	}
	return []string{filepath.Dir(dir), dir}
}
