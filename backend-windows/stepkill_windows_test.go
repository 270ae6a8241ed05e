//go:build zbsteps

package winshm

import (
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func init() {
	children["crash"] = func(args []string) error { return drivertest.Crash(New(nil), args) }
}

// TestKillAtEveryPointCrossProcess ends processes between any two changes that others can see, of
// objects and in memory. All objects of a process end with it, and a lock file is left.
func TestKillAtEveryPointCrossProcess(t *testing.T) {
	drivertest.KillAtEveryPoint(t, drivertest.CrashHarness{
		New: func() driver.Backend { return New(nil) },
		Start: func(t *testing.T, args ...string) *testproc.Child {
			c := testproc.Prepare(t, "crash", args...)
			c.Begin()
			return c
		},
		Left:     lockFiles,
		Vanishes: true,
	})
}
