package posixshm

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
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
func makeSemaphore(path string, config *driver.Config) (*semMap, error) {
	f, err := newFile(filepath.Dir(path), config)
	if err != nil {
		return nil, fmt.Errorf("make semaphore %s: %w", path, err)
	}
	defer f.close()
	var content [semSize]byte
	binary.LittleEndian.PutUint32(content[8:], semShared)
	if _, err := unix.Pwrite(f.fd, content[:], 0); err != nil {
		return nil, noSpace(err, semSize, filepath.Dir(path))
	}
	m, err := mapSemaphore(f.fd, f.id)
	if err != nil {
		return nil, fmt.Errorf("map semaphore %s: %w", path, err)
	}
	if err := linkOver(f, path); err != nil {
		_ = m.close()
		return nil, err
	}
	return m, nil
}

// linkOver gives f its name in the place of the regular file that may have it.
func linkOver(f *file, path string) error {
	for range replaceTries {
		err := f.link(path)
		if err == nil {
			return nil
		}
		if err != unix.EEXIST {
			return fmt.Errorf("link %s: %w", path, err)
		}
		id, st, err := lookup(path)
		if err != nil {
			continue
		}
		if !isRegular(st) {
			return notRegular(path, st, fs.ErrExist)
		}
		if err := unlinkOwn(path, id); err != nil {
			return fmt.Errorf("replace a leftover semaphore of user %d: %w", st.Uid, err)
		}
	}
	return fmt.Errorf("link %s: another program makes it again and again: %w",
		path, driver.ErrReaderConnected)
}

// openSemaphore opens and maps the semaphore that a reader has made.
func openSemaphore(path string) (*semMap, error) {
	fd, err := open(path, unix.O_RDWR)
	if err == unix.ENOENT {
		return nil, fmt.Errorf("open semaphore %s: %w, it does not exist yet%s",
			path, driver.ErrNotReady, muslHint(path))
	}
	if err != nil {
		return nil, openError(path, err, fs.ErrInvalid)
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	switch {
	case !isRegular(&st):
		return nil, notRegular(path, &st, fs.ErrInvalid)
	case st.Size != semSize:
		return nil, fmt.Errorf("open semaphore %s: it has %d bytes, glibc's have %d: %w; remove "+
			"it and start the reader again", path, st.Size, semSize, fs.ErrInvalid)
	}
	m, err := mapSemaphore(fd, idOf(&st))
	if err != nil {
		return nil, fmt.Errorf("map semaphore %s: %w", path, err)
	}
	return m, nil
}

// muslHint says what is the matter if the reader's C library is musl, which names semaphores
// without "sem." and lays them out differently.
func muslHint(path string) string {
	dir, base := filepath.Split(path)
	musl := filepath.Join(dir, strings.TrimPrefix(base, "sem."))
	if _, _, err := lookup(musl); err != nil {
		return ""
	}
	return "; there is " + musl + ", made by a program with the C library musl (Alpine), whose " +
		"semaphores are not supported: use a glibc image for it"
}
