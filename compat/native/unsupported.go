package native

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// unsupported stands in where a platform has no backend. It is built everywhere, so that its test
// runs everywhere.
type unsupported struct{}

func (unsupported) Name() string { return "unsupported" }

func (unsupported) Create(string, driver.Config) (driver.Channel, error) {
	return nil, errUnsupported("create buffer")
}

func (unsupported) Open(string, driver.Config) (driver.Channel, error) {
	return nil, errUnsupported("open buffer")
}

func errUnsupported(verb string) error {
	return fmt.Errorf("%s: no shared-memory backend for %s/%s yet: %w",
		verb, runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}
