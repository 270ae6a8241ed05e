package native

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Resolve returns the backend and the name of the buffer that an address stands for:
//
//	posix:NAME            shared memory in /dev/shm
//	posix-musl:NAME       the same, and a reader makes semaphores for programs linked with musl
//	memfd:NAME            memfd, with its socket in the default directory
//	memfd:/some/dir/NAME  memfd, with its socket in that directory
//	memfd:@NAME           memfd, with an abstract socket
//	win:NAME              named sections of Windows, with the names that C# programs use
//	win-global:NAME       the same, for programs of all sessions
//	win-python:NAME       the same, with the names that Python programs use
//	win-cpp:NAME          the same, with the names that C++ programs use
//	NAME                  short for DEFAULT:NAME
//
// What stands before the first colon counts only if it is such a scheme; else it is a part of the
// name, as in "left:camera". A name that begins like a scheme needs one before it:
// "posix:memfd:camera". Each call returns a new backend.
//
// The error matches [driver.ErrInvalidName] when this is not the address of a buffer, and
// [errors.ErrUnsupported] when the backend is not in this build.
func Resolve(address string) (driver.Backend, string, error) {
	name, rest := split(address)
	if name == "" {
		return nil, "", errUnsupported("use buffer " + quote(address))
	}
	s := find(name)
	if s == nil {
		return nil, "", fmt.Errorf("use buffer %s: backend %s is not in this build for %s/%s, %s: %w",
			quote(address), name, runtime.GOOS, runtime.GOARCH, has(), errors.ErrUnsupported)
	}
	b, buffer, err := s.resolve(rest)
	if err == nil {
		err = driver.CheckName(buffer)
	}
	if err != nil {
		return nil, "", fmt.Errorf("use buffer %s: %w", quote(address), err)
	}
	return b, buffer, nil
}

// Same tells whether two addresses lead to the same buffer, as far as the addresses tell: the
// default backend may be named or not, and kinds of a backend may share their segments.
func Same(a, b string) bool {
	schemeA, restA := split(a)
	schemeB, restB := split(b)
	return segmentsOf(schemeA) == segmentsOf(schemeB) && clean(restA) == clean(restB)
}

// segmentsOf returns the scheme whose segments have the names of this one's.
func segmentsOf(scheme string) string {
	switch scheme {
	case "posix-musl":
		return "posix"
	case "win-python":
		return "win"
	case "win-cpp":
		return "win-global"
	}
	return scheme
}

// clean returns the shortest form of a path. A name is no path.
func clean(rest string) string {
	if path.IsAbs(rest) {
		return path.Clean(rest)
	}
	return rest
}

// split returns the scheme of an address, or the default, and what follows it.
func split(address string) (name, rest string) {
	name, rest, found := strings.Cut(address, ":")
	if found && slices.Contains(known, name) {
		return name, rest
	}
	return defaultScheme, address
}

// has says what there is instead.
func has() string {
	if len(schemes) == 0 {
		return "nor is any other"
	}
	return "which has " + strings.Join(Schemes(), ", ")
}

// quote keeps an address that came from anywhere readable.
func quote(address string) string {
	const most = 60
	if len(address) > most {
		address = address[:most] + "..."
	}
	return fmt.Sprintf("%q", address)
}
