//go:build !windows

package winshm

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

var errUnsupported = fmt.Errorf("use named sections of Windows on %s/%s: %w",
	runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)

func (*Backend) create(string, driver.Config) (driver.Channel, error) { return nil, errUnsupported }
func (*Backend) open(string, driver.Config) (driver.Channel, error)   { return nil, errUnsupported }
