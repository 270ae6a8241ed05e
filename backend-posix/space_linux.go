package posixshm

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

// reserve gives the file of fd its size and all its pages, so that no later access to them can
// fail. dir is where the file will be linked. After an error the file holds no memory.
func reserve(fd int, size uint64, dir string) error {
	err := memory.Reserve(fd, size)
	if err == nil || errors.Is(err, driver.ErrNoSpace) {
		return err
	}
	if err := noSpace(err, size, dir); errors.Is(err, driver.ErrNoSpace) {
		return err
	}
	return fmt.Errorf("reserve %d bytes in %s: %w", size, dir, err)
}

// noSpace explains why size bytes could not be had in dir, if that is what err says; else it
// returns err.
func noSpace(err error, size uint64, dir string) error {
	full := false
	for _, code := range []error{unix.ENOSPC, unix.EFBIG, unix.ENOMEM, unix.EDQUOT} {
		full = full || errors.Is(err, code)
	}
	if !full {
		return err
	}
	var st unix.Statfs_t
	known := unix.Statfs(dir, &st) == nil
	e := &driver.NoSpaceError{Need: size, Where: mountPoint(dir)}
	if known {
		e.Free = st.Bavail * uint64(st.Bsize)
	}
	if known && st.Files != 0 && st.Ffree == 0 {
		e.Hint = fmt.Sprintf("all of its %d inodes are in use: remove leftovers in it, or allow more "+
			"(mount -o remount,nr_inodes=%d %s)", st.Files, 2*st.Files+16, e.Where)
		return e
	}
	megabytes := roundMount((size + 1<<20 - 1) >> 20)
	e.Hint = fmt.Sprintf("make it larger (mount -o remount,size=%dM %s; docker run "+
		"--shm-size=%dm; a Kubernetes emptyDir with medium: Memory), remove leftovers in it, "+
		"or choose a smaller PayloadSize", megabytes, e.Where, megabytes)
	return e
}

// roundMount suggests a mount size for need MiB: the next power of two that leaves a quarter.
func roundMount(need uint64) uint64 {
	n := uint64(64)
	for n < need+need/4 {
		n *= 2
	}
	return n
}

// mountPoint returns the directory on which the file system of dir is mounted.
func mountPoint(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	for dir != "/" {
		here, _, err := lookup(dir)
		above, _, err2 := lookup(filepath.Dir(dir))
		if err != nil || err2 != nil || here.dev != above.dev {
			break
		}
		dir = filepath.Dir(dir)
	}
	return dir
}
