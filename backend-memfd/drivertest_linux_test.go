package memfdshm_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	memfdshm "github.com/zerobuffer-go/zerobuffer/backend-memfd"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	drivertest.Run(t, drivertest.Harness{
		New: func(*testing.T) driver.Backend {
			return memfdshm.New(&memfdshm.Options{Dir: dir})
		},
		DeadPID: func(t *testing.T) uint64 {
			cmd := exec.Command("/proc/self/exe", "-test.run=^$")
			require.NoError(t, cmd.Run())
			return uint64(cmd.Process.Pid)
		},
	})
}
