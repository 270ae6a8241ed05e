//go:build linux

package memfdshm

import (
	"errors"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// TestChaosCrossProcess has a third process write into segment and semaphores while two of ours use
// them. ZEROBUFFER_CHAOS is for how long.
func TestChaosCrossProcess(t *testing.T) {
	dir, name := newDir(t), newName(t)
	drivertest.Chaos(t, drivertest.ChaosTime(t), func(role ...string) *testproc.Child {
		return testproc.Start(t, "chaos", append(role, dir, name)...)
	})
}

// chaos is the command of its children.
var chaos = drivertest.ChaosCommand(
	func(args []string) (driver.Backend, string) { return backendAt(args[0]), args[1] },
	func(args []string) (*drivertest.Enemy, error) { return mapAll(backendAt(args[0]), args[1]) },
)

// mapAll maps what a hostile process of the same user can.
func mapAll(b *Backend, name string) (*drivertest.Enemy, error) {
	ch, err := b.Open(name, driver.Config{})
	if err != nil {
		return nil, err
	}
	g := ch.(*guest)
	return &drivertest.Enemy{
		Segment: g.mem,
		Words:   [2][]byte{g.all[g.words:], g.all[g.words+cacheLine:]},
		Unmap:   func() { _ = errors.Join(ch.Remove(), ch.Close()) },
	}, nil
}

func TestGarbageInSemaphores(t *testing.T) {
	b, name := New(&Options{Dir: newDir(t)}), newName(t)
	drivertest.Garbage(t, b, name, func() (*drivertest.Enemy, error) { return mapAll(b, name) })
}
