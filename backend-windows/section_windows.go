package winshm

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	readWrite = windows.FILE_MAP_READ | windows.FILE_MAP_WRITE
	readOnly  = windows.FILE_MAP_READ
)

// utf16Name is a name as the functions of Windows take it. Names have no NUL: namesOf has looked.
func utf16Name(name string) *uint16 {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		panic("name with a NUL: " + err.Error())
	}
	return p
}

// makeSection makes a new section with its memory committed. The error matches
// windows.ERROR_ALREADY_EXISTS if there is a section of that name.
func makeSection(name string, size uint64, sa *windows.SecurityAttributes) (windows.Handle, error) {
	h, err := windows.CreateFileMapping(windows.InvalidHandle, sa, windows.PAGE_READWRITE,
		uint32(size>>32), uint32(size), utf16Name(name))
	if err != nil && h != 0 { // an existing one was opened
		_ = windows.CloseHandle(h)
		h = 0
	}
	return h, err
}

// mapView maps the first size bytes of a section, or all of it if size is 0.
func mapView(section windows.Handle, access uint32, size uint64) ([]byte, error) {
	addr, err := windows.MapViewOfFile(section, access, 0, 0, uintptr(size))
	if err != nil {
		return nil, err
	}
	// What a peer has only reserved and not committed must not be touched.
	have, err := committed(addr)
	if err != nil || have < size {
		_ = windows.UnmapViewOfFile(addr)
		return nil, errors.Join(err, fmt.Errorf("%d of %d bytes can be used", have, size))
	}
	if size == 0 {
		size = have
	}
	return view(addr, size), nil
}

func unmapView(mem []byte) error {
	if mem == nil {
		return nil
	}
	return windows.UnmapViewOfFile(addressOf(mem))
}

// openError explains why the existing object name could not be opened.
func openError(verb, kind, name string, err error) error {
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fmt.Errorf("%s %s %s: %w: it belongs to another user, or perhaps to a program that "+
			"runs as administrator; run both the same way, or give both the rights by Options.SDDL",
			verb, kind, name, driver.ErrPermission)
	case errors.Is(err, windows.ERROR_INVALID_HANDLE):
		return fmt.Errorf("%s %s %s: another kind of object has this name (%w); choose another name",
			verb, kind, name, fs.ErrExist)
	}
	return fmt.Errorf("%s %s %s: %w", verb, kind, name, err)
}

// makeError explains why an object could not be made.
func makeError(kind, name string, err error) error {
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) && isGlobal(name) {
		return fmt.Errorf("create %s %s: %w: a section below Global\\ needs the right \"Create "+
			"global objects\" (SeCreateGlobalPrivilege): run as a service or as administrator, or "+
			"use names of the session", kind, name, driver.ErrPermission)
	}
	return openError("create", kind, name, err)
}

func isGlobal(name string) bool { return len(name) > len(global) && name[:len(global)] == global }
