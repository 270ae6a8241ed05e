package zerobuffer_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestReaderClosed(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	g.readRelease(1)
	require.NoError(t, g.r.Close())
	require.NoError(t, g.r.Close(), "the second call does nothing")
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"read":          func() error { _, err := g.r.ReadFrame(ctx); return err },
		"try-read":      func() error { _, _, err := g.r.TryReadFrame(); return err },
		"batch":         func() error { _, err := g.r.ReadBatch(ctx, nil); return err },
		"latest":        func() error { _, err := g.r.Latest(ctx); return err },
		"metadata":      func() error { _, err := g.r.Metadata(); return err },
		"wait-metadata": func() error { _, err := g.r.WaitMetadata(ctx); return err },
		"wait-writer":   func() error { return g.r.WaitWriter(ctx) },
		"frames": func() error {
			for _, err := range g.r.Frames(ctx) {
				return err
			}
			return nil
		},
		"ended-context": func() error { _, err := g.r.ReadFrame(ended()); return err },
	} {
		requireErrors(t, call(), zerobuffer.ErrClosed, os.ErrClosed)
		t.Log(name)
	}
	require.False(t, g.r.WriterConnected())
	require.Equal(t, bufferName, g.r.Name())
	want := zerobuffer.ReaderStats{FramesRead: 1, BytesRead: 10}
	require.Empty(t, cmp.Diff(want, g.r.Stats()), "the sizes are 0 after Close")
	_, err := zerobuffer.NewWriter(g.Process(), bufferName, nil)
	require.ErrorIs(t, err, zerobuffer.ErrBufferNotFound, "the name was not removed")
}

func TestWriterClosed(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	require.NoError(t, g.w.Close())
	g.requireUnchanged(func() {
		require.NoError(t, g.w.Close(), "the second call does nothing")
		ctx := t.Context()
		for name, call := range map[string]func() error{
			"write":        func() error { return g.w.WriteFrame(ctx, []byte{1}) },
			"try-write":    func() error { _, err := g.w.TryWriteFrame([]byte{1}); return err },
			"batch":        func() error { _, err := g.w.WriteBatch(ctx, nil); return err },
			"reserve":      func() error { _, err := g.w.Reserve(ctx, 1); return err },
			"commit":       func() error { return g.w.Commit(1) },
			"abort":        func() error { return g.w.Abort() },
			"metadata":     func() error { return g.w.SetMetadata([]byte{1}) },
			"wait-drained": func() error { return g.w.WaitDrained(ctx) },
		} {
			requireErrors(t, call(), zerobuffer.ErrClosed, os.ErrClosed)
			t.Log(name)
		}
	})
	require.False(t, g.w.ReaderConnected())
	require.False(t, g.w.Drained())
	require.Equal(t, 1008, g.w.MaxFrameSize())
	want := zerobuffer.WriterStats{FramesWritten: 1, BytesWritten: 10}
	require.Empty(t, cmp.Diff(want, g.w.Stats()), "the sizes are 0 after Close")
}

// TestCloseEndsBlockedCallConcurrentSafe closes from another goroutine while a call is blocked.
func TestCloseEndsBlockedCallConcurrentSafe(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, call := range map[string]func(*rig) error{
		"read":   func(g *rig) error { _, err := g.r.ReadFrame(ctx); return err },
		"latest": func(g *rig) error { _, err := g.r.Latest(ctx); return err },
		"batch": func(g *rig) error {
			_, err := g.r.ReadBatch(ctx, make([]zerobuffer.Frame, 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			err := whileBlocked(g.raw().DataReady(), func() error { return call(g) }, func() {
				require.NoError(t, g.r.Close())
			})
			requireErrors(t, err, zerobuffer.ErrClosed, os.ErrClosed)
		})
	}
	for name, call := range map[string]func(*rig) error{
		"write":   func(g *rig) error { return g.w.WriteFrame(ctx, make([]byte, 500)) },
		"reserve": func(g *rig) error { _, err := g.w.Reserve(ctx, 500); return err },
		"write-batch": func(g *rig) error {
			_, err := g.w.WriteBatch(ctx, numbered(3, 500))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			g.fill(100)
			err := whileBlocked(g.raw().SpaceReady(), func() error { return call(g) }, func() {
				require.NoError(t, g.w.Close())
			})
			requireErrors(t, err, zerobuffer.ErrClosed, os.ErrClosed)
		})
	}
	for name, call := range map[string]func(*rig) error{
		"wait-writer":   func(g *rig) error { return g.r.WaitWriter(ctx) },
		"wait-metadata": func(g *rig) error { _, err := g.r.WaitMetadata(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newReaderRig(t, zerobuffer.ReaderOptions{})
			done := make(chan error)
			go func() { done <- call(g) }()
			require.NoError(t, g.r.Close())
			require.ErrorIs(t, <-done, zerobuffer.ErrClosed)
		})
	}
}

// TestReaderCloseWithHeldFrames shows that the mapping lives until the last release.
func TestReaderCloseWithHeldFrames(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	r, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(spy.process(), bufferName, nil)
	require.NoError(t, err)
	_, err = w.WriteBatch(t.Context(), numbered(3, 10))
	require.NoError(t, err)
	frames := make([]zerobuffer.Frame, 3)
	_, err = r.ReadBatch(t.Context(), frames)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, 3, r.Stats().Held)
	for _, i := range []int{1, 2, 0} {
		require.Zero(t, spy.closed.Load(), "unmapped under frame %d", i)
		require.Equal(t, byte(i), frames[i].Bytes()[0])
		frames[i].Release()
	}
	require.Equal(t, int64(1), spy.closed.Load(), "not unmapped after the last frame")
	for _, f := range frames {
		f.Release()
		require.Nil(t, f.Bytes())
	}
	require.NoError(t, r.Close())
	require.NoError(t, w.Close())
	require.Equal(t, int64(2), spy.closed.Load())
	require.Equal(t, int64(2), spy.removed.Load())
	require.Zero(t, spy.misuse.Load())
}

// TestCloseConcurrentSafe closes both sides, twice each, while frames flow and counters are read.
// Nothing may touch the memory after it was unmapped.
func TestCloseConcurrentSafe(t *testing.T) {
	t.Parallel()
	for range 20 {
		spy := newSpyBackend()
		opts := &zerobuffer.ReaderOptions{PayloadSize: 256}
		r, err := zerobuffer.NewReader(spy.process(), bufferName, opts)
		require.NoError(t, err)
		w, err := zerobuffer.NewWriter(spy.process(), bufferName, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		flowing := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			for w.WriteFrame(ctx, make([]byte, 100)) == nil {
			}
		})
		all.Go(func() {
			defer close(flowing)
			for n := 0; ; n++ {
				f, err := r.ReadFrame(ctx)
				if err != nil {
					break
				}
				if n == 50 {
					flowing <- struct{}{}
				}
				all.Go(f.Release)
			}
		})
		<-flowing
		for range 2 {
			all.Go(func() { _ = r.Close() })
			all.Go(func() { _ = w.Close() })
			all.Go(func() { r.Stats(); r.WriterConnected(); _, _ = r.Metadata() })
			all.Go(func() { w.Stats(); w.ReaderConnected(); w.Drained() })
		}
		all.Wait()
		cancel()
		require.Equal(t, int64(2), spy.closed.Load())
		require.Zero(t, spy.misuse.Load(), "the memory was used after it was unmapped")
	}
}

// TestConcurrentUse calls from a second goroutine while the first is blocked.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	ctx := context.Background()
	read := func() error { _, err := g.r.ReadFrame(ctx); return err }
	write := func() error { return g.w.WriteFrame(ctx, make([]byte, 1000)) }
	err := whileBlocked(g.raw().DataReady(), read, func() {
		require.ErrorIs(t, read(), zerobuffer.ErrConcurrentUse)
		_, _, err := g.r.TryReadFrame()
		require.ErrorIs(t, err, zerobuffer.ErrConcurrentUse)
		require.True(t, g.r.WriterConnected(), "this may be called at any time")
		_, err = g.r.Metadata()
		require.ErrorIs(t, err, zerobuffer.ErrNoMetadata)
		g.write(10, 'a')
	})
	require.NoError(t, err)
	err = whileBlocked(g.raw().SpaceReady(), write, func() {
		require.ErrorIs(t, write(), zerobuffer.ErrConcurrentUse)
		require.ErrorIs(t, g.w.SetMetadata([]byte{1}), zerobuffer.ErrConcurrentUse)
		require.ErrorIs(t, g.w.Commit(1), zerobuffer.ErrConcurrentUse)
		require.False(t, g.w.Drained())
		require.True(t, g.w.ReaderConnected(), "this may be called at any time")
		require.Equal(t, uint64(1), g.w.FramesWritten())
		require.NoError(t, g.w.Close())
	})
	require.ErrorIs(t, err, zerobuffer.ErrClosed)
}
