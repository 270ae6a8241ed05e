//go:build !linux && !windows

package native

import "github.com/zerobuffer-go/zerobuffer/core/driver"

// Backend returns a backend that reports [Supported]'s error from each method.
func Backend() driver.Backend { return unsupported{} }

// Supported says that this platform has no backend; the error matches [errors.ErrUnsupported].
func Supported() error { return errUnsupported("use") }
