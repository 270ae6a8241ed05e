package native

import (
	"slices"
	"strings"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// scheme is a backend that is in this build, under the name that it has in addresses.
type scheme struct {
	name string
	// resolve takes what follows the name and the colon. The name that it returns is checked by
	// its caller.
	resolve func(rest string) (b driver.Backend, name string, err error)
}

// simple makes the row of a backend whose addresses are SCHEME:NAME and no more.
func simple(name string, backend func() driver.Backend) scheme {
	return scheme{name, func(rest string) (driver.Backend, string, error) {
		return backend(), rest, nil
	}}
}

// known are the schemes of all platforms, in this build or not: what stands before a colon is a
// scheme if it is one of these, and a part of the buffer's name if not. The table of a platform,
// in native_GOOS.go, holds those that are in.
var known = []string{
	"posix", "posix-musl", "memfd", "win", "win-global", "win-python", "win-cpp",
}

// Schemes lists the schemes that are in this build, the default first.
func Schemes() []string {
	var names []string
	for _, s := range schemes {
		if s.name == defaultScheme {
			names = slices.Insert(names, 0, s.name)
		} else {
			names = append(names, s.name)
		}
	}
	return names
}

// Backends lists the schemes that stand for a backend with its defaults, the default first. Those
// of the same backend with other options have its name and a dash in front.
func Backends() []string {
	return slices.DeleteFunc(Schemes(), func(name string) bool { return strings.Contains(name, "-") })
}

// Default is the scheme of an address without one. It is empty where there is no backend.
func Default() string { return defaultScheme }

// Supported returns nil if there is a backend for this platform. Else the error matches
// [errors.ErrUnsupported].
func Supported() error {
	if defaultScheme == "" {
		return errUnsupported("use")
	}
	return nil
}

// Backend returns the default backend with its defaults. Where there is none, it returns one whose
// methods report [Supported]'s error.
func Backend() driver.Backend {
	b, _, err := Resolve("any")
	if err != nil {
		return unsupported{}
	}
	return b
}

// find returns the row of a scheme, nil if it is not in this build.
func find(name string) *scheme {
	if i := slices.IndexFunc(schemes, func(s scheme) bool { return s.name == name }); i >= 0 {
		return &schemes[i]
	}
	return nil
}
