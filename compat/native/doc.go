// Package native knows the backends that are in a build, and which of them is the default:
//
//	target              backends
//	linux               posix (default), posix-musl, memfd
//	linux, tag memfd    posix, posix-musl, memfd (default)
//	windows             win (default), win-global, win-python, win-cpp
//	any other           none
//
// [Backend] returns the default. [Resolve] takes the address of a buffer, which may name its
// backend as well: "memfd:camera". Commands and examples take addresses from their users. A
// program that always uses the same backend needs nothing of this: it imports that one.
//
// Every program builds on every target. Where there is no backend, it says so at run time, with an
// error that matches [errors.ErrUnsupported] and names the platform.
package native
