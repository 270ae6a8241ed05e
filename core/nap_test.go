package zerobuffer_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestNaps(t *testing.T) {
	const size, part = 8 << 10, 1 << 10
	var n zerobuffer.Naps
	now, written := time.Now(), uint64(1<<20)
	full := func(after time.Duration, bytes uint64) time.Duration {
		now, written = now.Add(after), written+bytes
		return n.Next(now, written, size)
	}
	require.Zero(t, full(0, 0), "for the first time")
	require.Equal(t, 800*time.Microsecond, full(100*time.Microsecond, part/8))
	require.Zero(t, full(time.Microsecond, 0), "nothing had room")
	require.Equal(t, zerobuffer.NapMost, full(time.Hour, 1))
	require.Zero(t, full(time.Second, part), "as much as it may be")
	require.Equal(t, zerobuffer.NapLeast, full(zerobuffer.NapLeast/2, part/2))
	require.Zero(t, full(zerobuffer.NapLeast/2-time.Nanosecond, part/2), "too short to sleep")
}

// TestWriterNapsWhereTheRingStaysFull counts how often a writer waits for a token, for which a
// reader of another language has to wake it.
func TestWriterNapsWhereTheRingStaysFull(t *testing.T) {
	t.Parallel()
	if runtime.GOMAXPROCS(0) == 1 {
		t.Skip("the reader leaves the writer no processor")
	}
	const frames, payload, ring = 3000, 112, 64 << 10
	g := newHookedRig(t, &hookedBackend{foreign: true}, zerobuffer.ReaderOptions{PayloadSize: ring},
		zerobuffer.WriterOptions{Wait: zerobuffer.WaitBlock})
	wrote := make(chan error, 1)
	go func() {
		for range frames {
			if err := g.w.WriteFrame(context.Background(), make([]byte, payload)); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	for read := 0; read < frames; {
		f, ok, err := g.r.TryReadFrame() // which gives back at once if the writer waits
		require.NoError(t, err)
		if !ok {
			continue
		}
		read++
		for began := time.Now(); time.Since(began) < 20*time.Microsecond; {
			continue // as long as it takes to look at the frame
		}
		f.Release()
	}
	require.NoError(t, <-wrote)
	require.NotZero(t, g.w.Blocks(), "the ring was never full")
	require.Less(t, g.w.Blocks(), uint64(frames/20))
}
