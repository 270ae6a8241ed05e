//go:build zbsteps

package posixshm

import (
	"path/filepath"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func init() {
	children["crash"] = func(b *Backend, args []string) error { return drivertest.Crash(b, args) }
}

// TestKillAtEveryPointCrossProcess kills processes with SIGKILL between any two changes that others
// can see, in the file system and in memory.
func TestKillAtEveryPointCrossProcess(t *testing.T) {
	b := newBackend(t)
	drivertest.KillAtEveryPoint(t, drivertest.CrashHarness{
		New: func() driver.Backend { return b },
		Start: func(t *testing.T, args ...string) *testproc.Child {
			return start(t, b, nil, append([]string{"crash"}, args...)...)
		},
		Left: func(name string) (left []string) {
			for _, dir := range []string{b.shmDir, b.lockDirs[0], b.lockDirs[1]} {
				found, _ := filepath.Glob(filepath.Join(dir, "*"+name+"*"))
				left = append(left, found...)
			}
			return left
		},
	})
}
