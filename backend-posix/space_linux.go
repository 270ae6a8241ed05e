package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// reserveStep is how much is reserved at once: a signal undoes the step that it interrupts.
const reserveStep = 16 << 20

// reserve gives the file of fd its size and all its pages, so that no later access to them can
// fail. dir is where the file will be linked. After an error the file holds no memory.
func reserve(fd int, size uint64, dir string) error {
	if size == 0 || size > 1<<62-1 {
		return fmt.Errorf("reserve %d bytes: %w", size, fs.ErrInvalid)
	}
	if err := systemMemory.check(size); err != nil {
		return err
	}
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return noSpace(err, size, dir)
	}
	for off := int64(0); off < int64(size); off += reserveStep {
		step := min(reserveStep, int64(size)-off)
		err := retry(func() error { return unix.Fallocate(fd, 0, off, step) })
		if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
			err = fill(fd, off, step)
		}
		if err != nil {
			_ = unix.Ftruncate(fd, 0)
			return noSpace(err, size, dir)
		}
	}
	return nil
}

// fill writes zeros where the file system cannot reserve.
func fill(fd int, off, size int64) error {
	zeros := make([]byte, min(size, 1<<16))
	for size > 0 {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Pwrite(fd, zeros[:min(size, int64(len(zeros)))], off)
			return err
		})
		if err != nil {
			return err
		}
		off, size = off+int64(n), size-int64(n)
	}
	return nil
}

// noSpace explains why size bytes could not be had in dir.
func noSpace(err error, size uint64, dir string) error {
	full := false
	for _, code := range []error{unix.ENOSPC, unix.EFBIG, unix.ENOMEM, unix.EDQUOT} {
		full = full || errors.Is(err, code)
	}
	if !full {
		return fmt.Errorf("reserve %d bytes in %s: %w", size, dir, err)
	}
	var st unix.Statfs_t
	free := uint64(0)
	if unix.Statfs(dir, &st) == nil {
		free = st.Bavail * uint64(st.Bsize)
	}
	mount := mountPoint(dir)
	megabytes := roundMount((size + 1<<20 - 1) >> 20)
	return &driver.NoSpaceError{
		Need:  size,
		Free:  free,
		Where: mount,
		Hint: fmt.Sprintf("make it larger (mount -o remount,size=%dM %s; docker run "+
			"--shm-size=%dm; a Kubernetes emptyDir with medium: Memory), remove leftovers in it, "+
			"or choose a smaller PayloadSize", megabytes, mount, megabytes),
	}
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

// memory tells how much memory the process may still take. A full tmpfs is an error, but a full
// machine or control group ends in an OOM kill, so they are asked before anything is reserved.
type memory struct {
	// read returns the content of a file; tests replace it.
	read func(path string) ([]byte, error)
}

var systemMemory = memory{read: os.ReadFile}
