//go:build zbsteps

package memfdshm

import (
	"path/filepath"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func init() {
	children["crash"] = func(args []string) error {
		return drivertest.Crash(backendAt(args[0]), args[1:])
	}
}

// TestKillAtEveryPointCrossProcess kills processes with SIGKILL between any two changes that others
// can see, in the file system, on the socket and in memory.
func TestKillAtEveryPointCrossProcess(t *testing.T) {
	dir := newDir(t)
	drivertest.KillAtEveryPoint(t, drivertest.CrashHarness{
		New: func() driver.Backend { return backendAt(dir) },
		Start: func(t *testing.T, args ...string) *testproc.Child {
			return testproc.Start(t, "crash", append([]string{dir}, args...)...)
		},
		Left: func(name string) []string {
			left, _ := filepath.Glob(filepath.Join(dir, "*"+name+"*"))
			return left
		},
	})
}
