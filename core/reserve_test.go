package zerobuffer_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestWriterReserveCommit(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	b, err := g.w.Reserve(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, b, 10)
	require.Equal(t, 10, cap(b), "append could reach the next frame")
	require.Same(t, &g.payload()[16], &b[0], "not in place")
	copy(b, "0123456789")
	_, ok, err := g.r.TryReadFrame()
	require.NoError(t, err)
	require.False(t, ok, "a frame came that was not committed")
	require.Zero(t, g.w.FramesWritten())
	require.NoError(t, g.w.Commit(10))
	require.Equal(t, uint64(1), g.w.FramesWritten())
	require.Equal(t, "0123456789", string(g.read().Bytes()))
}

func TestWriterCommitShort(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	b, err := g.w.Reserve(t.Context(), 500)
	require.NoError(t, err)
	copy(b, "abc")
	require.NoError(t, g.w.Commit(3))
	require.Equal(t, uint64(1024-16-3), g.w.Stats().PayloadFree, "the rest was not given back")
	g.write(2, 'd')
	require.Equal(t, "abc", string(g.read().Bytes()))
	require.Equal(t, "dd", string(g.read().Bytes()))
	require.Equal(t, uint64(5), g.w.BytesWritten())
}

func TestWriterFill(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	refused := errors.New("refused")
	for _, c := range []struct {
		used int
		err  error
		want error
	}{
		{3, nil, nil},
		{0, nil, zerobuffer.ErrEmptyFrame},
		{11, nil, zerobuffer.ErrFrameTooLarge},
		{5, refused, refused},
		{10, nil, nil},
	} {
		err := g.w.Fill(t.Context(), 10, func(b []byte) (int, error) {
			require.Len(t, b, 10)
			copy(b, "0123456789")
			return c.used, c.err
		})
		require.ErrorIs(t, err, c.want)
	}
	require.Panics(t, func() {
		_ = g.w.Fill(t.Context(), 10, func([]byte) (int, error) { panic("no") })
	})
	g.write(1, 'x') // nothing is left reserved
	for _, want := range []string{"012", "0123456789", "x"} {
		require.Equal(t, want, string(g.read().Bytes()))
	}
	require.ErrorIs(t, g.w.Fill(t.Context(), 2000, nil), zerobuffer.ErrFrameTooLarge)
}

func TestWriterCommitBadSize(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	b, err := g.w.Reserve(t.Context(), 10)
	require.NoError(t, err)
	g.requireUnchanged(func() {
		require.ErrorIs(t, g.w.Commit(0), zerobuffer.ErrEmptyFrame)
		require.ErrorIs(t, g.w.Commit(-1), zerobuffer.ErrEmptyFrame)
		err := g.w.Commit(11)
		require.ErrorIs(t, err, zerobuffer.ErrFrameTooLarge)
		size, ok := errors.AsType[*zerobuffer.FrameSizeError](err)
		require.True(t, ok)
		want := zerobuffer.FrameSizeError{Size: 11, Max: 10, Ring: 64}
		require.Empty(t, cmp.Diff(want, *size))
	})
	copy(b, "still here")
	require.NoError(t, g.w.Commit(10), "after an error about n the frame is still reserved")
	require.Equal(t, "still here", string(g.read().Bytes()))
}

func TestWriterAbort(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	_, err := g.w.Reserve(t.Context(), 10)
	require.NoError(t, err)
	require.NoError(t, g.w.Abort())
	require.ErrorIs(t, g.w.Abort(), zerobuffer.ErrNotReserved)
	require.ErrorIs(t, g.w.Commit(1), zerobuffer.ErrNotReserved)
	require.True(t, g.w.Drained())
	require.Equal(t, uint64(1024), g.w.Stats().PayloadFree)
	g.write(1, 'a')
	require.Equal(t, uint64(1), g.read().Sequence(), "the number goes to the next frame")
}

func TestWriterReservedExcludesOthers(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	ctx := t.Context()
	g.write(1, 'a') // frames at the start of the ring go another way
	_, err := g.w.Reserve(ctx, 10)
	require.NoError(t, err)
	g.requireUnchanged(func() {
		require.ErrorIs(t, g.w.WriteFrame(ctx, []byte{1}), zerobuffer.ErrReserved)
		_, err := g.w.TryWriteFrame([]byte{1})
		require.ErrorIs(t, err, zerobuffer.ErrReserved)
		_, err = g.w.WriteBatch(ctx, numbered(1, 1))
		require.ErrorIs(t, err, zerobuffer.ErrReserved)
		_, err = g.w.Reserve(ctx, 1)
		require.ErrorIs(t, err, zerobuffer.ErrReserved)
	})
	require.NoError(t, g.w.SetMetadata([]byte("m")), "metadata may be set meanwhile")
	require.NoError(t, g.w.Commit(10))
}

// TestWriterAbortWrap gives up a frame that would have wrapped: nothing of the wrap may be seen.
func TestWriterAbortWrap(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(800, 'a')
	g.readRelease(1)
	g.write(50, 'b') // unread, so that the ring is not drained
	_, err := g.w.Reserve(t.Context(), 500)
	require.NoError(t, err)
	require.NoError(t, g.w.Abort())
	g.write(100, 'c')
	require.Equal(t, bytes.Repeat([]byte("b"), 50), g.read().Bytes())
	f := g.read()
	require.Equal(t, bytes.Repeat([]byte("c"), 100), f.Bytes())
	require.Equal(t, uint64(3), f.Sequence())
}

// TestWriterCloseWithReserved shows that the memory of a reserved frame stays until Commit.
func TestWriterCloseWithReserved(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*zerobuffer.Writer) error{
		"commit": func(w *zerobuffer.Writer) error { return w.Commit(5) },
		"abort":  (*zerobuffer.Writer).Abort,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spy := newSpyBackend()
			r, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
			require.NoError(t, err)
			defer r.Close()
			w, err := zerobuffer.NewWriter(spy.process(), bufferName, nil)
			require.NoError(t, err)
			b, err := w.Reserve(t.Context(), 5)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			require.Zero(t, spy.closed.Load(), "unmapped under a reserved frame")
			copy(b, "hello")
			require.ErrorIs(t, end(w), zerobuffer.ErrClosed)
			require.Equal(t, int64(1), spy.closed.Load())
			require.ErrorIs(t, end(w), zerobuffer.ErrClosed)
			require.Equal(t, int64(1), spy.closed.Load())
			_, err = r.ReadFrame(t.Context())
			require.ErrorIs(t, err, zerobuffer.ErrWriterClosed, "the frame was published")
			require.Zero(t, spy.misuse.Load())
		})
	}
}

// TestWriterCommitReaderGone shows that a frame for nobody is an error, not a success.
func TestWriterCommitReaderGone(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	_, err := g.w.Reserve(t.Context(), 5)
	require.NoError(t, err)
	require.NoError(t, g.r.Close())
	require.ErrorIs(t, g.w.Commit(5), zerobuffer.ErrReaderClosed)
	require.ErrorIs(t, g.w.Commit(5), zerobuffer.ErrNotReserved)
	require.Zero(t, g.w.FramesWritten())
}

// TestWriterAbortDuringCloseConcurrentSafe ends a reserved frame while Close is still at the
// memory, which must not go under its feet.
func TestWriterAbortDuringCloseConcurrentSafe(t *testing.T) {
	t.Parallel()
	b := &hookedBackend{}
	g := newHookedRig(t, b, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{})
	_, err := g.w.Reserve(t.Context(), 100)
	require.NoError(t, err)
	closing, goOn := make(chan struct{}), make(chan struct{})
	b.onOurs = func() { close(closing); <-goOn }
	closed, aborted := make(chan error, 1), make(chan error, 1)
	go func() { closed <- g.w.Close() }()
	<-closing
	go func() { aborted <- g.w.Abort(); close(aborted) }()
	select {
	case err = <-aborted:
	case <-time.After(20 * time.Millisecond): // it waits for Close
	}
	close(goOn)
	require.NoError(t, <-closed)
	if err == nil {
		err = <-aborted
	}
	require.ErrorIs(t, err, zerobuffer.ErrClosed)
}
