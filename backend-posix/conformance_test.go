//go:build linux

package posixshm

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func TestConformance(t *testing.T) {
	b := newBackend(t)
	drivertest.Run(t, drivertest.Harness{
		New: func(*testing.T) driver.Backend { return b },
		DeadPID: func(t *testing.T) uint64 {
			c := exec.Command("true")
			require.NoError(t, c.Run())
			return uint64(c.Process.Pid)
		},
	})
}
