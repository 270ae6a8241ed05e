package winshm_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	winshm "github.com/zerobuffer-go/zerobuffer/backend-windows"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		New:     func(*testing.T) driver.Backend { return winshm.New(nil) },
		DeadPID: deadPID,
		Exempt: map[string]string{
			"close-writer-foreign-blocked": unseen,
			"dead-token-blocked":           unseen,
			"space-stuck-writer":           unseen,
			"space-stuck-writer-polled":    unseen,
		},
	})
}

// deadPID returns the number of a process that has ended. A handle keeps the number from being
// used again while the test runs.
func deadPID(t *testing.T) uint64 {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "-test.run=^$")
	require.NoError(t, cmd.Start())
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(cmd.Process.Pid))
	require.NoError(t, err)
	t.Cleanup(func() { _ = windows.CloseHandle(h) })
	require.NoError(t, cmd.Wait())
	return uint64(cmd.Process.Pid)
}

// unseen is why a case is exempted that needs to know that a program of another language waits.
const unseen = "Windows does not tell who waits on a semaphore; only waits of programs of ours " +
	"are counted"
