package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var sink *[64]byte

// allocate makes n objects, or many while it is too early to count them.
func allocate(n int, early bool) {
	if early {
		n = 100
	}
	for range n {
		sink = new([64]byte)
	}
	time.Sleep(time.Millisecond / 4)
}

// Both ends count from the time on from which the speed counts, and not what came before. Beside
// the test there is what other goroutines do.
func TestMetersCountAllocations(t *testing.T) {
	const d = 40 * time.Millisecond
	frame := content(4 << 20)
	for _, objects := range []int{0, 2} {
		p := newPump(frame, d)
		for p.more() {
			p.mark(frame)
			allocate(objects, !p.warm)
		}
		require.InDelta(t, objects, p.result().Allocs, 0.7)
		m := newMeter(len(frame), d)
		for start := time.Now(); time.Since(start) < d; {
			m.add(1)
			allocate(objects, m.begin.IsZero())
		}
		require.InDelta(t, objects, m.result().Allocs, 0.7)
	}
}

func TestHeap(t *testing.T) {
	h := &heap{}
	h.begin(0)
	for range 1000 {
		sink = new([64]byte)
	}
	require.InDelta(t, 100, h.perFrame(10), 5)
	h.begin(5)
	require.InDelta(t, 0, h.perFrame(1005), 0.05)
	require.Zero(t, testing.AllocsPerRun(10, func() { h.begin(h.frames) }))
}
