//go:build linux

package posixshm

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// TestChaosCrossProcess has a third process write into segment and semaphores while two of ours use
// them. ZEROBUFFER_CHAOS is for how long.
func TestChaosCrossProcess(t *testing.T) {
	b := newBackend(t)
	args := append(b.dirs(), newName(t, b))
	drivertest.Chaos(t, drivertest.ChaosTime(t), func(role ...string) *testproc.Child {
		return testproc.Start(t, "chaos", append(role, args...)...)
	})
}

// chaos is the command of its children.
var chaos = drivertest.ChaosCommand(
	func(args []string) (driver.Backend, string) { return chaosBackend(args), args[3] },
	func(args []string) (*drivertest.Enemy, error) { return mapAll(chaosBackend(args), args[3]) },
)

func chaosBackend(args []string) *Backend {
	return &Backend{shmDir: args[0], lockDirs: [2]string{args[1], args[2]}}
}

// mapAll maps what a hostile process of the same user can.
func mapAll(b *Backend, name string) (*drivertest.Enemy, error) {
	var all [3][]byte
	var err error
	sems := b.semPaths(name)[b.library]
	for i, path := range []string{b.segmentPath(name), sems[0], sems[1]} {
		if all[i], err = mapFile(path, os.O_RDWR); err != nil {
			break
		}
	}
	e := &drivertest.Enemy{
		Segment: all[0], Words: [2][]byte{all[1], all[2]},
		Unmap: func() {
			for _, mem := range all {
				if mem != nil {
					_ = unix.Munmap(mem)
				}
			}
		},
	}
	if err == nil && len(e.Segment) < layout.OIEBSize+128 {
		err = errors.New("the segment is too small")
	}
	if err != nil {
		e.Unmap()
	}
	return e, err
}

func TestGarbageInSemaphores(t *testing.T) {
	bothLibraries(t, func(t *testing.T, b, _ *Backend) {
		name := newName(t, b)
		drivertest.Garbage(t, b, name, func() (*drivertest.Enemy, error) { return mapAll(b, name) })
	})
}
