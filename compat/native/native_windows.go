package native

import (
	winshm "github.com/zerobuffer-go/zerobuffer/backend-windows"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Backend returns the backend of this platform, with its defaults.
func Backend() driver.Backend { return winshm.New(nil) }

// Supported returns nil: this platform has a backend.
func Supported() error { return nil }
