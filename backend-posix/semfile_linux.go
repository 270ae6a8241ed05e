package posixshm

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// replaceTries bounds how often Create fights for a name with somebody who makes it again.
const replaceTries = 16

func (b *Backend) segmentPath(name string) string { return filepath.Join(b.shmDir, name) }

func (b *Backend) semPath(prefix, name string) string {
	return filepath.Join(b.shmDir, prefix+name)
}

// makeSemaphore makes a semaphore with no tokens and puts it in the place of whatever semaphore
// has that name: a leftover is never adopted, because nobody knows its value (wire contract,
// section 1).
func makeSemaphore(format *semFormat, path string, config *driver.Config) (*semMap, error) {
	f, err := newFile(filepath.Dir(path), config)
	if err != nil {
		err = noSpace(err, semSize, filepath.Dir(path))
		return nil, fmt.Errorf("make semaphore %s: %w", path, err)
	}
	defer f.close()
	var content [semSize]byte
	binary.LittleEndian.PutUint32(content[8:], format.shared)
	if _, err := unix.Pwrite(f.fd, content[:], 0); err != nil {
		err = noSpace(err, semSize, filepath.Dir(path))
		return nil, fmt.Errorf("make semaphore %s: %w", path, err)
	}
	m, err := mapSemaphore(format, f.fd, f.id)
	if err != nil {
		return nil, fmt.Errorf("map semaphore %s: %w", path, err)
	}
	if err := linkOver(f, path); err != nil {
		_ = m.close()
		return nil, err
	}
	return m, nil
}

// linkOver gives f its name in the place of the regular file that may have it, unless that is as
// large as a segment and in use.
func linkOver(f *file, path string) error {
	for range replaceTries {
		err := f.link(path)
		if err == nil {
			return nil
		}
		if err != unix.EEXIST {
			return fmt.Errorf("link %s: %w", path, noSpace(err, semSize, filepath.Dir(path)))
		}
		id, st, err := lookup(path)
		if err != nil {
			continue
		}
		if !isRegular(st) {
			return notRegular(path, st, fs.ErrExist)
		}
		if st.Size >= layout.OIEBSize && !unused(path, id) {
			return fmt.Errorf("link %s: there is a file of %d bytes of user %d, maybe the segment of "+
				"a buffer of that name, and no semaphore (%w); choose another name",
				path, st.Size, st.Uid, fs.ErrExist)
		}
		if !isOwn(st) {
			return fmt.Errorf("replace semaphore %s: %w: it belongs to user %d, this process is user "+
				"%d; remove it or choose another name", path, driver.ErrPermission, st.Uid, os.Geteuid())
		}
		if err := unlinkOwn(path, id); err != nil {
			return fmt.Errorf("replace a leftover semaphore of user %d: %w", st.Uid, err)
		}
	}
	return fmt.Errorf("link %s: another program makes it again and again: %w",
		path, driver.ErrReaderConnected)
}

// unused tells whether nobody has the object open, if that can be told.
func unused(path string, id objectID) bool {
	fd, err := openNow(unix.AT_FDCWD, path, unix.O_RDWR)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && idOf(&st) == id && askLease(fd) == leaseGranted
}

// openSemaphore opens and maps the semaphore that a reader has made, who is the owner.
func openSemaphore(format *semFormat, path string, owner uint32) (*semMap, error) {
	fd, err := open(path)
	if err == unix.ENOENT {
		return nil, fmt.Errorf("open semaphore %s: %w, it does not exist yet",
			path, driver.ErrNotReady)
	}
	if err != nil {
		return nil, openError(path, err, fs.ErrInvalid, driver.ErrNotReady)
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	switch {
	case !isRegular(&st):
		return nil, notRegular(path, &st, fs.ErrInvalid)
	case st.Uid != owner:
		return nil, fmt.Errorf("open semaphore %s: %w: it belongs to user %d, and the segment to "+
			"user %d; remove it and start the reader again", path, driver.ErrPermission, st.Uid, owner)
	case st.Size != semSize:
		return nil, fmt.Errorf("open semaphore %s: it has %d bytes, not %d: %w; remove "+
			"it and start the reader again", path, st.Size, semSize, fs.ErrInvalid)
	}
	m, err := mapSemaphore(format, fd, idOf(&st))
	if err != nil {
		return nil, fmt.Errorf("map semaphore %s: %w", path, err)
	}
	return m, nil
}
