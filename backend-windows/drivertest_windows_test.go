package winshm

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		New:     func(*testing.T) driver.Backend { return New(nil) },
		DeadPID: deadPID,
		Start: func(t *testing.T, role driver.Role, name string) drivertest.Other {
			return drivertest.StartChild(t, "side", role, name)
		},
		Exempt: map[string]string{
			"close-writer-foreign-blocked": unseen,
			"dead-token-blocked":           unseen,
			"space-stuck-writer":           unseen,
			"space-stuck-writer-polled":    unseen,
			"space-stuck-token":            unseen,
		},
	})
}

// deadPID returns the number of a process that has ended. A handle keeps the number from being
// used again while the test runs.
func deadPID(t *testing.T) uint64 {
	c := testproc.Prepare(t, "ends")
	c.Begin()
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(c.PID()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = windows.CloseHandle(h) })
	require.NoError(t, c.Wait())
	return c.PID()
}

// unseen is why a case is exempted that needs to know that a program of another language waits.
const unseen = "Windows does not tell who waits on a semaphore; only waits of programs of ours " +
	"are counted"
