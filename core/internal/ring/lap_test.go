package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const gib = 1 << 30

func TestLapMayEnd(t *testing.T) {
	const fast = 4 * memorySpeed
	for name, c := range map[string]struct {
		size  uint64
		early int64
		rate  float64 // bytes a second
		total uint64  // of the next frame
		want  uint64  // where the lap may end
	}{
		"fast":               {64 << 20, 0, fast, 1000, shortLap},
		"fast, large frames": {64 << 20, 0, fast, 3 << 20, 6 << 20},
		"fast, vast ring":    {4 * gib, 0, fast, 1000, longLap},
		"slow":               {64 << 20, 0, memorySpeed / 2, 1000, longLap},
		"chosen":             {64 << 20, 10 << 20, fast, 1000, 10 << 20},
		"chosen, slow":       {64 << 20, 100, memorySpeed / 2, 1000, 100},
	} {
		l := newLap(c.size, c.early)
		for pos := uint64(0); pos <= c.want; pos += c.want / 16 {
			l.bytes, l.last = uint64(c.rate), 1
			l.clock = func() int64 { return 1 + 1e9 }
			require.Equal(t, pos >= c.want, l.mayEnd(pos, c.total), "%s: at %d", name, pos)
			require.True(t, pos < c.want || l.straight <= c.want, name)
		}
	}
	never := newLap(gib, -1)
	never.bytes, never.last = 1<<60, 1
	never.clock = func() int64 { return 2 }
	require.False(t, never.mayEnd(gib-1, 100))
	ring := newLap(256, 0)
	require.EqualValues(t, 240, ring.straight, "room for a marker behind the frame")
}

// The clock is not looked at for each frame, and no look counts bytes twice.
func TestLapLooksRarely(t *testing.T) {
	l, now := newLap(64<<20, 0), int64(0)
	l.clock = func() int64 { now++; return now }
	l.bytes = 1 << 60
	require.False(t, l.mayEnd(shortLap, 100), "the first look has nothing to compare with")
	require.Zero(t, l.bytes)
	l.bytes = shortLap - 1
	require.False(t, l.mayEnd(2*shortLap-1, 100))
	require.EqualValues(t, 1, now)
	l.bytes++
	require.True(t, l.mayEnd(2*shortLap, 100))
	require.True(t, l.mayEnd(2*shortLap+100, 100))
	require.EqualValues(t, 2, now)
}

// TestLapEndsEarly writes with a reader that always holds a frame, so that the ring is never
// drained, and sees how much of it is used.
func TestLapEndsEarly(t *testing.T) {
	const size, payload = 64 << 20, 1<<20 - 16
	for name, c := range map[string]struct {
		took    int64 // nanoseconds between two looks at the clock
		highest uint64
	}{"fast": {1e6, shortLap + 1<<20}, "slow": {1e9, longLap + 1<<20}} {
		seg := newSegment(size)
		w, r := NewProducer(seg, &sem{}, 0), NewConsumer(seg, &sem{})
		_, err := w.Attach(false)
		require.NoError(t, err)
		now := int64(0)
		w.UseClock(func() int64 { now += c.took; return now })
		var highest uint64
		var held Item
		for i := range 100 {
			b, err := w.Open(payload)
			require.NoError(t, err)
			require.NotNil(t, b, "%s: no room for frame %d", name, i)
			require.NoError(t, w.Seal(payload))
			require.NoError(t, w.Flush())
			if i >= 40 { // the first look at the clock has nothing to compare with
				highest = max(highest, w.pos)
			}
			last := held
			ok, err := r.Next(false, &held)
			require.True(t, ok)
			require.NoError(t, err)
			if last.Slot != nil {
				r.Release(last.Slot, last.Gen)
				r.GiveBack()
			}
		}
		require.LessOrEqual(t, highest, c.highest, name)
		require.Greater(t, highest, c.highest/2, name)
	}
}
