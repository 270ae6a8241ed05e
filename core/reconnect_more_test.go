package zerobuffer_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// write1 writes one frame, which waits for a reader if it has to.
func (g *rig) write1(b ...byte) {
	g.t.Helper()
	require.NoError(g.t, g.w.WriteFrame(g.t.Context(), b))
}

// TestReconnectOtherWriterFirst shows that a buffer that has a writer is not waited for, as
// OpenWriter does not, and that the next call tries again.
func TestReconnectOtherWriterFirst(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{})
	other, err := zerobuffer.NewWriter(g.Process(), bufferName, nil)
	require.NoError(t, err)
	for range 2 {
		err := g.w.WriteFrame(context.Background(), []byte{1})
		requireErrors(t, err, zerobuffer.ErrWriterConnected, zerobuffer.ErrReaderClosed)
	}
	require.NoError(t, other.Close())
	g.write1(1)
	require.Equal(t, uint64(1), g.read().Sequence())
}

// TestReconnectDrained asks for the end of what was written, between two buffers and in the next.
func TestReconnectDrained(t *testing.T) {
	t.Parallel()
	for unread := range uint64(3) {
		g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
		for range unread {
			g.write(10, 'a')
		}
		leaves["closed"](g)
		check := func() {
			require.Equal(t, unread == 0, g.w.Drained())
			err := g.w.WaitDrained(context.Background())
			if unread == 0 {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, zerobuffer.ErrReaderClosed)
			require.ErrorContains(t, err, fmt.Sprintf("%d frames", unread))
		}
		check()
		_, err := g.w.TryWriteFrame([]byte{1})
		require.ErrorIs(t, err, zerobuffer.ErrReaderClosed)
		check()
		g.renew(zerobuffer.ReaderOptions{})
		g.write1(1)
		require.False(t, g.w.Drained())
		g.readRelease(1)
		require.NoError(t, g.w.WaitDrained(context.Background()), "about the new buffer only")
	}
}

// TestReconnectSegmentRemoved gives the name of the buffer to another one while its reader, which
// does not know, still lives: the writer notices while it is blocked, and goes to the new one.
func TestReconnectSegmentRemoved(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	n := g.fill(100)
	old, oldOIEB := g.r, g.oieb()
	g.killReader() // to make the name free
	g.renew(zerobuffer.ReaderOptions{})
	oldOIEB.ReaderPID.Store(g.writerP.PID()) // seems to live
	g.write1(make([]byte, 100)...)
	require.Equal(t, uint64(1), g.read().Sequence())
	require.Equal(t, uint64(n), g.w.Stats().FramesLost)
	require.Zero(t, oldOIEB.WriterPID.Load(), "the old reader is told")
	_ = old.Name()
}

// TestReconnectComesAndGoes has readers that go before the writer has found them, and right after,
// while other goroutines look at the Writer. The memory is never used after it was unmapped, and
// whatever a reader gets is a run of frames that begins at 1.
func TestReconnectComesAndGoesConcurrentSafe(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	opts := &zerobuffer.ReaderOptions{PayloadSize: 256}
	r, err := zerobuffer.NewReader(spy.process(), bufferName, opts)
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(spy.process(), bufferName, &reconnecting)
	require.NoError(t, err)
	require.NoError(t, w.SetMetadata([]byte("meta")))
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; ; i++ {
			if err := w.WriteFrame(ctx, bytes.Repeat([]byte{byte(i)}, 1+i%100)); err != nil {
				if ctx.Err() == nil {
					t.Errorf("write: %v", err)
					cancel() // ends the test
				}
				return
			}
		}
	})
	for _, look := range []func(){
		func() { w.Stats() }, func() { w.ReaderConnected() }, func() { w.MaxFrameSize() },
		func() { w.Memory() }, func() { w.FramesWritten() },
	} {
		all.Go(func() {
			for ctx.Err() == nil {
				look()
				time.Sleep(10 * time.Microsecond)
			}
		})
	}
	met := 0
	for i := range 60 {
		if i%3 == 0 { // one that is met for certain
			met++
			readSome(ctx, t, r, 20)
		}
		require.NoError(t, r.Close())
		r, err = zerobuffer.NewReader(spy.process(), bufferName, opts)
		require.NoError(t, err)
	}
	readSome(ctx, t, r, 20)
	require.GreaterOrEqual(t, w.Stats().Reconnects, uint64(met))
	cancel()
	all.Wait()
	require.NoError(t, w.Close())
	require.NoError(t, r.Close())
	require.Zero(t, spy.misuse.Load(), "the memory was used after it was unmapped")
	require.Equal(t, spy.removed.Load(), spy.closed.Load())
}

// readSome reads n frames and looks at their numbers.
func readSome(ctx context.Context, t *testing.T, r *zerobuffer.Reader, n int) {
	t.Helper()
	for i := range n {
		f, err := r.ReadFrame(ctx)
		require.NoError(t, err)
		require.Equal(t, uint64(i+1), f.Sequence())
		f.Release()
	}
	b, err := r.Metadata()
	require.NoError(t, err)
	require.Equal(t, "meta", string(b))
}

// TestReconnectAllocations shows that a Writer in a buffer allocates nothing for a frame, and that
// one without the option does not either.
func TestReconnectAllocations(t *testing.T) {
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{})
	ctx, payload := context.Background(), make([]byte, 100)
	once := func() {
		if err := g.w.WriteFrame(ctx, payload); err != nil {
			t.Fatal(err)
		}
		f, err := g.r.ReadFrame(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}
	once()
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("a frame allocates %v times", n)
	}
}

// TestReconnectOff is a Writer without the option: a new buffer means nothing to it.
func TestReconnectOff(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{})
	for range 2 {
		require.ErrorIs(t, g.w.WriteFrame(t.Context(), []byte{1}), zerobuffer.ErrReaderClosed)
	}
	require.Zero(t, g.w.Stats().Reconnects)
}
