package zerobuffer_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

func TestWriterFrameArrives(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	require.Equal(t, bufferName, g.w.Name())
	require.Equal(t, 1024-16, g.w.MaxFrameSize())
	data := []byte("hello")
	require.NoError(t, g.w.WriteFrame(t.Context(), data))
	data[0] = 'x' // WriteFrame has copied
	f, err := g.r.ReadFrame(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hello", string(f.Bytes()))
	require.Equal(t, uint64(1), f.Sequence())
}

func TestWriterGather(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	a, b, c := []byte("he"), []byte(nil), []byte("llo")
	require.NoError(t, g.w.WriteFrame(t.Context(), a, b, c))
	ok, err := g.w.TryWriteFrame(c, a)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "hello", string(g.read().Bytes()))
	require.Equal(t, "llohe", string(g.read().Bytes()))
	require.Equal(t, uint64(10), g.w.BytesWritten())
}

// TestWriterBadSize gives frames of 0 bytes and frames too large by one, in every call.
func TestWriterBadSize(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	ctx := t.Context()
	calls := map[string]func(b []byte) error{
		"write":  func(b []byte) error { return g.w.WriteFrame(ctx, b) },
		"gather": func(b []byte) error { return g.w.WriteFrame(ctx, b[:len(b)/2], b[len(b)/2:]) },
		"try": func(b []byte) error {
			ok, err := g.w.TryWriteFrame(b)
			require.False(t, ok)
			return err
		},
		"batch": func(b []byte) error {
			n, err := g.w.WriteBatch(ctx, [][]byte{b})
			require.Zero(t, n)
			return err
		},
		"reserve": func(b []byte) error {
			buf, err := g.w.Reserve(ctx, len(b))
			require.Nil(t, buf)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			g.requireUnchanged(func() {
				require.ErrorIs(t, call(nil), zerobuffer.ErrEmptyFrame)
				err := call(make([]byte, g.w.MaxFrameSize()+1))
				require.ErrorIs(t, err, zerobuffer.ErrFrameTooLarge)
				size, ok := errors.AsType[*zerobuffer.FrameSizeError](err)
				require.True(t, ok)
				want := zerobuffer.FrameSizeError{Size: 1009, Max: 1008, Ring: 1088}
				require.Empty(t, cmp.Diff(want, *size))
				require.ErrorContains(t, err, `"camera"`)
			})
		})
	}
	require.Error(t, func() error { _, err := g.w.Reserve(ctx, -1); return err }())
	require.NoError(t, func() error { _, err := g.w.TryWriteFrame(nil, []byte{1}); return err }())
	require.Equal(t, uint64(2), g.w.FramesWritten())
	g.readRelease(2)
	ok, err := g.w.TryWriteFrame(make([]byte, g.w.MaxFrameSize()))
	require.NoError(t, err)
	require.True(t, ok, "a frame as large as the ring was refused")
}

func TestWriterTryWriteFrameFull(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	n := g.fill(100)
	require.Equal(t, 8, n)
	g.requireUnchanged(func() {
		ok, err := g.w.TryWriteFrame(make([]byte, 100))
		require.NoError(t, err)
		require.False(t, ok)
	})
	require.Equal(t, uint64(n), g.w.FramesWritten())
	g.readRelease(2)
	g.write(100, 'b')
}

func TestWriterWriteTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 20 * time.Millisecond
	g := newRig(t, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{WriteTimeout: timeout})
	n := g.fill(100)
	g.requireUnchanged(func() {
		began := time.Now()
		err := g.w.WriteFrame(t.Context(), make([]byte, 100))
		requireErrors(t, err, zerobuffer.ErrBufferFull, zerobuffer.ErrTimeout,
			os.ErrDeadlineExceeded, context.DeadlineExceeded)
		require.GreaterOrEqual(t, time.Since(began), timeout)
		_, err = g.w.Reserve(t.Context(), 100)
		require.ErrorIs(t, err, zerobuffer.ErrBufferFull)
	})
	g.readRelease(n)
	require.NoError(t, g.w.WriteFrame(t.Context(), make([]byte, 100)))
	require.Equal(t, uint64(n+1), g.read().Sequence(), "the refused frames took a number")
}

func TestWriterStats(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(100, 'a')
	want := zerobuffer.WriterStats{
		FramesWritten: 1, BytesWritten: 100, PayloadSize: 1024, PayloadFree: 1024 - 116,
	}
	require.Empty(t, cmp.Diff(want, g.w.Stats()))
	n := g.fill(100)
	err := whileBlocked(g.raw().SpaceReady(), func() error {
		return g.w.WriteFrame(context.Background(), make([]byte, 100))
	}, func() { g.readRelease(n + 1) })
	require.NoError(t, err)
	require.NotZero(t, g.w.Stats().Waits)
}

func TestWriterDrained(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	require.True(t, g.w.Drained())
	g.write(10, 'a')
	require.False(t, g.w.Drained())
	f := g.read()
	require.False(t, g.w.Drained(), "a frame is held")
	require.ErrorIs(t, g.w.WaitDrained(expired(t)), zerobuffer.ErrTimeout)
	require.ErrorIs(t, g.w.WaitDrained(ended()), context.Canceled)
	done := make(chan error)
	go func() { done <- g.w.WaitDrained(context.Background()) }()
	f.Release()
	require.NoError(t, <-done)
	require.True(t, g.w.Drained())
}

func TestWriterWaitDrainedReaderGone(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	g.write(10, 'a')
	require.NoError(t, g.r.Close())
	err := g.w.WaitDrained(t.Context())
	requireErrors(t, err, zerobuffer.ErrReaderClosed, zerobuffer.ErrReaderDead)
	gone, ok := errors.AsType[*zerobuffer.ReaderGoneError](err)
	require.True(t, ok)
	require.Equal(t, uint64(2), gone.Unread)
}

func TestNewWriterErrors(t *testing.T) {
	t.Parallel()
	_, err := zerobuffer.NewWriter(inproc.New(), bufferName, nil)
	requireErrors(t, err, zerobuffer.ErrBufferNotFound, fs.ErrNotExist)
	g := smallRig(t)
	g.write(10, 'a')
	g.requireUnchanged(func() {
		_, err := zerobuffer.NewWriter(g.Process(), bufferName, nil)
		requireErrors(t, err, zerobuffer.ErrWriterConnected, fs.ErrExist)
		_, err = zerobuffer.NewWriter(g.Process(), bufferName,
			&zerobuffer.WriterOptions{WriteTimeout: -1})
		require.ErrorContains(t, err, "write timeout")
	})
	g.killReader()
	g.killWriter()
	g.requireUnchanged(func() {
		_, err := zerobuffer.NewWriter(g.Process(), bufferName, nil)
		requireErrors(t, err, zerobuffer.ErrNotReady, zerobuffer.ErrBufferNotFound,
			zerobuffer.ErrReaderDead)
	})
}

// TestWriterLap shows that the writer starts again early when a lap is as long as asked for.
func TestWriterLap(t *testing.T) {
	t.Parallel()
	const ring, frame = 4 << 20, 64<<10 - 16
	for name, c := range map[string]struct {
		lap   int64
		early bool
	}{"default": {0, false}, "short": {1 << 20, true}, "never": {-1, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{PayloadSize: ring},
				zerobuffer.WriterOptions{Lap: c.lap})
			g.write(frame, 0)
			var highest uint64
			for i := range 200 { // one frame is always held, so the ring is never drained
				g.write(frame, byte(i+1))
				f := g.read()
				if b := f.Bytes(); b[0] != byte(i) || b[frame-1] != byte(i) {
					t.Fatalf("frame %d was overwritten", i)
				}
				f.Release()
				highest = max(highest, g.oieb().WritePos.Load())
			}
			require.Equal(t, c.early, highest < ring/2, "the writer went up to %d", highest)
		})
	}
}

// TestWriterRestartSparesHeldFrame asks again and again for a place that only a start at offset 0
// could give, while the one frame that was read is held.
func TestWriterRestartSparesHeldFrame(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(500, 'a')
	f := g.read()
	large := bytes.Repeat([]byte{'b'}, 900)
	for range 5 {
		ok, err := g.w.TryWriteFrame(large)
		require.NoError(t, err)
		require.False(t, ok, "the ring was taken for drained")
		require.False(t, g.w.Drained())
		require.Equal(t, bytes.Repeat([]byte{'a'}, 500), f.Bytes())
	}
	f.Release()
	g.write(900, 'b')
	require.Equal(t, large, g.read().Bytes())
}
