package posixshm_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func TestConformance(t *testing.T) { conform(t, posixshm.Glibc) }

// The same with semaphores for programs that are linked with musl.
func TestConformanceMusl(t *testing.T) { conform(t, posixshm.Musl) }

func conform(t *testing.T, library posixshm.CLibrary) {
	drivertest.Run(t, drivertest.Harness{
		New: func(*testing.T) driver.Backend {
			return posixshm.New(&posixshm.Options{CLibrary: library})
		},
		DeadPID: func(t *testing.T) uint64 {
			cmd := exec.Command("/proc/self/exe", "-test.run=^$")
			require.NoError(t, cmd.Run())
			return uint64(cmd.Process.Pid)
		},
	})
}
