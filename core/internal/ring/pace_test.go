package ring

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// newPaced returns the sides of a ring of 64 MiB of which the reader has given back all but held
// frames of 4 KiB, and the Producer has just written 8 MiB. A look at the clock takes took
// nanoseconds.
func newPaced(t *testing.T, took int64, held int) *Producer {
	t.Helper()
	const frame, frames = 4096 - layout.HeaderSize, 2 * shortLap / 4096
	seg := newSegment(64 << 20)
	w, r := NewProducer(seg, &sem{}, 0), NewConsumer(seg, &sem{})
	_, err := w.Attach(false)
	require.NoError(t, err)
	require.False(t, w.LapOver())
	now := int64(1)
	w.Pace(func() int64 { now += took; return now })
	w.nextLook = math.MaxUint64 // no restart at 0 by itself
	w.pace.fast(0)              // compares with this
	var it Item
	for i := range frames {
		require.Equal(t, w.pos >= shortLap, w.LapOver())
		b, err := w.Open(frame)
		require.NoError(t, err)
		require.NotNil(t, b)
		require.NoError(t, w.Seal(frame))
		require.NoError(t, w.Flush())
		ok, err := r.Next(false, &it)
		require.NoError(t, err)
		require.True(t, ok)
		if i < frames-held {
			r.Release(it.Ticket)
		}
	}
	r.GiveBack()
	w.ready.Take(frames)
	return w
}

func TestPace(t *testing.T) {
	const fast, slow = 1e6, 1e9
	const all, pos = 2 * shortLap / 4096, 2 * shortLap
	for name, c := range map[string]struct {
		took    int64
		held    int
		payload uint64
		foreign bool
		at      uint64 // where the frame goes in the end
		next    uint64 // where it is decided again
	}{
		"fast":        {fast, 0, 1000, false, 0, 3 * shortLap},
		"slow":        {slow, 0, 1000, false, pos, 3 * shortLap},
		"foreign":     {fast, 0, 1000, true, pos, 3 * shortLap},
		"held":        {fast, 1, 1000, false, pos, 3 * shortLap},
		"all held":    {fast, all, 1000, false, pos, pos + lookEvery},
		"front given": {fast, all - 1, 4080, false, pos, 3 * shortLap},
		"front held":  {fast, all - 1, 4081, false, pos, pos + lookEvery},
		"few frames":  {fast, 1, 4*4096 - 16, false, pos, 3 * shortLap},
		"more frames": {fast, 1, 4*4096 - 15, false, pos, pos + lookEvery},
		"drained":     {fast, 0, 4*4096 - 15, false, 0, pos + lookEvery},
		"large frame": {fast, 0, 5<<20 - 16, false, pos, largeFrames * 5 << 20},
		"two frames":  {fast, 0, shortLap - 16, false, 0, pos + shortLap},
	} {
		w := newPaced(t, c.took, c.held)
		w.foreign = c.foreign
		require.NoError(t, w.EndLap(c.payload), name)
		require.Equal(t, c.next, w.pace.lapOver, name)
		b, err := w.Open(c.payload)
		require.NoError(t, err, name)
		require.NotNil(t, b, name)
		require.NoError(t, w.Seal(c.payload), name)
		require.Equal(t, c.at+16+c.payload, w.pos, "%s: where the frame went", name)
		if c.at == 0 {
			require.EqualValues(t, shortLap, w.pace.lapOver, "%s: a lap has begun", name)
		}
	}
}

// TestPaceBacksOff is about a reader that holds a frame all the time: it is tried more and more
// rarely whether the ring is drained.
func TestPaceBacksOff(t *testing.T) {
	w := newPaced(t, 1e6, 1)
	tries := 0
	for range 16 {
		require.NoError(t, w.EndLap(1000))
		if w.ahead.total != 0 {
			tries++
		}
		_, err := w.Open(1000)
		require.NoError(t, err)
		require.NoError(t, w.Seal(1000))
		require.NoError(t, w.Flush())
		w.written += 4 << 20 // as fast as before
	}
	require.Equal(t, 4, tries, "the 1st, 3rd, 7th and 15th time")
}

func TestPaceFast(t *testing.T) {
	now := int64(1)
	c := pace{clock: func() int64 { return now }}
	written := uint64(1 << 40)
	require.False(t, c.fast(written), "there is nothing to compare with")
	now, written = now+1e9, written+memorySpeed-1
	require.False(t, c.fast(written))
	now, written = now+1e9, written+memorySpeed
	require.True(t, c.fast(written))
	now, written = now+1e9, written+unwrittenSpeed-1
	require.True(t, c.fast(written))
	now, written = now+1e9, written+unwrittenSpeed
	require.False(t, c.fast(written), "the bytes cannot have been written")
}

// The end of a lap into which no frame fits was not written.
func TestPaceCountsFramesOnly(t *testing.T) {
	const total, frames = 3 << 10, 20 // the ring has room for three, and a tail
	seg := newSegment(10 << 10)
	w, r := NewProducer(seg, &sem{}, 0), NewConsumer(seg, &sem{})
	_, err := w.Attach(false)
	require.NoError(t, err)
	var last, it Item
	for range frames {
		b, err := w.Open(total - layout.HeaderSize)
		require.NoError(t, err)
		require.NotNil(t, b)
		require.NoError(t, w.Seal(total-layout.HeaderSize))
		require.NoError(t, w.Flush())
		ok, err := r.Next(false, &it)
		require.NoError(t, err)
		require.True(t, ok)
		if last.Ticket != 0 { // one is held, so that laps end with a wrap
			r.Release(last.Ticket)
			r.GiveBack()
		}
		last = it
	}
	require.NotZero(t, w.pace.wasted)
	require.EqualValues(t, frames*total, w.written-w.pace.wasted)
}
