//go:build linux

package posixshm

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// pathName is a path that is looked up again and again, without an allocation.
type pathName struct {
	text string
	zero *byte // the same, ended by a zero byte
}

// newPathName returns the name for a path; a path with a zero byte in it leads to nothing.
func newPathName(path string) pathName {
	zero, err := unix.BytePtrFromString(path)
	if err != nil {
		zero = new(byte)
	}
	return pathName{path, zero}
}

// lookup returns what the path leads to; a symbolic link is not followed.
func (p pathName) lookup() (objectID, error) {
	var st unix.Statx_t
	at := unix.AT_FDCWD
	_, _, code := unix.Syscall6(unix.SYS_STATX, uintptr(at), uintptr(unsafe.Pointer(p.zero)),
		unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO, uintptr(unsafe.Pointer(&st)), 0)
	switch code {
	case 0:
		return objectID{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}, nil
	case unix.ENOENT:
		return objectID{}, code
	}
	// Old sandboxes do not know the call.
	id, _, err := lookup(p.text)
	return id, err
}

// leadsTo tells whether the path is a name of the object.
func (p pathName) leadsTo(id objectID) bool {
	got, err := p.lookup()
	return err == nil && got == id
}
