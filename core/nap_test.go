package zerobuffer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestNaps(t *testing.T) {
	const size, part = 8 << 10, 1 << 10
	var n zerobuffer.Naps
	now, written := time.Now(), uint64(1<<20)
	full := func(after time.Duration, bytes uint64) bool {
		now, written = now.Add(after), written+bytes
		return n.Due(now, written, size)
	}
	require.False(t, full(0, 0), "for the first time")
	require.True(t, full(zerobuffer.NapTime/4, part/4))
	require.False(t, full(zerobuffer.NapTime/4-1, part/4), "the reader would have nothing to read")
	require.False(t, full(time.Microsecond, 0), "nothing had room")
	require.True(t, full(time.Hour, 1))
	require.True(t, full(time.Second, part-1))
	require.False(t, full(time.Second, part), "so much had room that it need not be more")
}

// TestWriterNapsWhereTheRingStaysFull counts how often a writer waits for a token, for which a
// reader of another language has to wake it. It is in a bubble, whose clock stands still while
// somebody runs: on a busy machine the reader would be late, and the writer wait more often.
func TestWriterNapsWhereTheRingStaysFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const frames, payload, ring = 500, 112, 8 << 10 // of 64 frames, for which it takes 13 ms
		g := newHookedRig(t, &hookedBackend{foreign: true},
			zerobuffer.ReaderOptions{PayloadSize: ring, Wait: zerobuffer.WaitBlock},
			zerobuffer.WriterOptions{Wait: zerobuffer.WaitBlock})
		wrote := make(chan error, 1)
		go func() {
			for range frames {
				if err := g.w.WriteFrame(t.Context(), make([]byte, payload)); err != nil {
					wrote <- err
					return
				}
			}
			wrote <- nil
		}()
		for range frames {
			f, err := g.r.ReadFrame(t.Context()) // which gives back at once if the writer waits
			require.NoError(t, err)
			time.Sleep(200 * time.Microsecond) // as long as it takes to look at the frame
			f.Release()
		}
		require.NoError(t, <-wrote)
		require.NotZero(t, g.w.Blocks(), "the ring was never full")
		require.Less(t, g.w.Blocks(), uint64(frames/4))
	})
}

// TestWriterNapsLookAround blocks for less than the time after which the writer looks whether the
// objects are still there, time and again, in frames so large that it does not sleep.
func TestWriterNapsLookAround(t *testing.T) {
	t.Parallel()
	b := &hookedBackend{foreign: true}
	g := newHookedRig(t, b, zerobuffer.ReaderOptions{PayloadSize: 64 << 10},
		zerobuffer.WriterOptions{Wait: zerobuffer.WaitBlock})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	wrote := make(chan error, 1)
	go func() {
		for {
			if err := g.w.WriteFrame(ctx, make([]byte, 16<<10)); err != nil {
				wrote <- err
				return
			}
		}
	}()
	b.removed.Store(true)
	for {
		select {
		case err := <-wrote:
			require.ErrorIs(t, err, zerobuffer.ErrSegmentRemoved)
			return
		case <-time.After(3 * time.Millisecond):
		}
		f, ok, err := g.r.TryReadFrame()
		require.NoError(t, err)
		if ok {
			f.Release()
		}
	}
}
