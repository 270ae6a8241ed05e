package zerobuffer_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// collect ranges over all frames, releases them, and returns their numbers and the last error.
func collect(ctx context.Context, r *zerobuffer.Reader) (seqs []uint64, last error) {
	for f, err := range r.Frames(ctx) {
		if err != nil {
			last = err
			continue // the loop has to end by itself
		}
		seqs = append(seqs, f.Sequence())
		f.Release()
	}
	return seqs, last
}

func TestReaderFramesEndsAtClose(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			if err := g.w.WriteFrame(context.Background(), make([]byte, 100)); err != nil {
				t.Error(err)
			}
		}
		_ = g.w.Close()
	}()
	seqs, err := collect(t.Context(), g.r)
	require.NoError(t, err)
	require.Len(t, seqs, 100)
	<-done
	seqs, err = collect(t.Context(), g.r)
	require.NoError(t, err)
	require.Empty(t, seqs)
}

func TestReaderFramesYieldsDeath(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	g.readRelease(1)
	g.write(10, 'b')
	g.killWriter()
	seqs, err := collect(t.Context(), g.r)
	require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	require.Equal(t, []uint64{2}, seqs)
}

func TestReaderFramesYieldsContext(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []error
	for f, err := range g.r.Frames(ctx) {
		got = append(got, err)
		f.Release() // does nothing with an error
		cancel()
	}
	require.Len(t, got, 2)
	require.NoError(t, got[0])
	require.ErrorIs(t, got[1], context.Canceled)
}

// TestReaderFramesBreak leaves loops early: the next loop goes on behind, and nothing is lost.
func TestReaderFramesBreak(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	for i := range 4 {
		g.write(10, byte(i))
	}
	seqs := g.r.Frames(t.Context())
	for f, err := range seqs {
		require.NoError(t, err)
		require.Equal(t, uint64(1), f.Sequence())
		f.Release()
		break
	}
	first := func() zerobuffer.Frame {
		for f, err := range seqs { // the same iterator may be used again
			require.NoError(t, err)
			return f
		}
		return zerobuffer.Frame{}
	}
	f := first()
	require.Equal(t, uint64(2), f.Sequence())
	require.True(t, f.Valid(), "the loop released a frame")
	require.Equal(t, uint64(3), g.read().Sequence())
	require.Equal(t, uint64(4), g.read().Sequence())
	require.Equal(t, 3, g.r.Stats().Held)
}
