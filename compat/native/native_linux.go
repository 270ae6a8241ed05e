package native

import (
	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Backend returns the backend of this platform, with its defaults.
func Backend() driver.Backend { return posixshm.New(nil) }

// Supported returns nil: this platform has a backend.
func Supported() error { return nil }
