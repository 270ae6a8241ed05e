//go:build !linux

package memfdshm

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

type state struct{}

var errUnsupported = fmt.Errorf("use a memfd on %s/%s: %w",
	runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)

func (*Backend) create(string, driver.Config) (driver.Channel, error) { return nil, errUnsupported }
func (*Backend) open(string, driver.Config) (driver.Channel, error)   { return nil, errUnsupported }
func (*Backend) invite(string) (*os.File, error)                      { return nil, errUnsupported }

func (state) join(*os.File)            {}
func pair() (a, b *os.File, err error) { return nil, nil, errUnsupported }
