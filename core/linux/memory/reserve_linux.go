package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// step is how much is reserved at once: a signal undoes the step that it interrupts.
const step = 16 << 20

// Reserve gives the file of fd its size and all its pages, so that no later access to them can
// fail. It asks [Check] first; the other errors are those of the system. After an error the file
// holds no memory.
func Reserve(fd int, size uint64) error {
	if size == 0 || size > 1<<62-1 {
		return fmt.Errorf("reserve %d bytes: %w", size, fs.ErrInvalid)
	}
	if err := Check(size); err != nil {
		return err
	}
	return Allocate(fd, size)
}

// Allocate gives the file of fd its size and all its pages, as [Reserve] does, and asks no [Check]:
// it is for memory that is no part of what that counts. The errors are those of the system, and a
// [*driver.NoSpaceError] if this process may make no file of that size.
func Allocate(fd int, size uint64) error {
	if err := checkFileSize(size); err != nil {
		return err
	}
	if err := syscall.Ftruncate(fd, int64(size)); err != nil {
		return err
	}
	for off := int64(0); off < int64(size); off += step {
		n := min(step, int64(size)-off)
		err := retry(func() error { return syscall.Fallocate(fd, 0, off, n) })
		if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
			err = fill(fd, off, n)
		}
		if err != nil {
			_ = syscall.Ftruncate(fd, 0)
			return err
		}
	}
	return nil
}

// checkFileSize compares size with the limit of this process for the size of a file. The system
// says no more about that than about a full file system.
func checkFileSize(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil || size <= limit.Cur {
		return nil //nolint:nilerr // what cannot be read is no limit
	}
	return &driver.NoSpaceError{
		Need: size, Free: limit.Cur, Where: "the limit of file sizes",
		Hint: "raise it (ulimit -f, LimitFSIZE of systemd) or choose a smaller PayloadSize",
	}
}

// fill writes zeros where the file system cannot reserve.
func fill(fd int, off, size int64) error {
	zeros := make([]byte, min(size, 1<<16))
	for size > 0 {
		var n int
		err := retry(func() (err error) {
			n, err = syscall.Pwrite(fd, zeros[:min(size, int64(len(zeros)))], off)
			return err
		})
		if err != nil {
			return err
		}
		off, size = off+int64(n), size-int64(n)
	}
	return nil
}

// retry repeats call while a signal interrupts it.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
