package zerobuffer_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

var reconnecting = zerobuffer.WriterOptions{Reconnect: true}

// renew makes the buffer of the rig anew, in a process of its own.
func (g *rig) renew(opts zerobuffer.ReaderOptions) {
	g.t.Helper()
	if opts.PayloadSize == 0 {
		opts.PayloadSize = 1024
	}
	opts.Logger = g.rlog.logger()
	p := g.Process()
	r, err := zerobuffer.NewReader(p, bufferName, &opts)
	require.NoError(g.t, err)
	old, silent := g.r, g.silent
	g.t.Cleanup(func() { _ = old.Name() }) // the collection of a killed one would clean up
	if !silent {
		require.NoError(g.t, old.Close())
	}
	g.readerP, g.r, g.silent = p, r, false
}

// leaves are the ways in which a reader goes.
var leaves = map[string]func(*rig){
	"closed": func(g *rig) { require.NoError(g.t, g.r.Close()); g.silent = true },
	"killed": (*rig).killReader,
}

// meanwhile runs call in a goroutine, runs then when the writer of the rig has given up its buffer,
// and returns the error of call.
func (g *rig) meanwhile(call func() error, then func()) error {
	g.t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	for g.w.Stats().PayloadSize != 0 {
		time.Sleep(50 * time.Microsecond)
	}
	then()
	return <-done
}

// TestReconnect lets the reader go while the writer is idle and while it is blocked, and makes the
// buffer anew while a write waits. No frame is lost but those that were unread.
func TestReconnect(t *testing.T) {
	t.Parallel()
	for name, leave := range leaves {
		t.Run(name+"-idle", func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
			require.NoError(t, g.w.SetMetadata([]byte("640x480")))
			for range 3 {
				g.write(10, 'a')
			}
			g.readRelease(1)
			leave(g)
			left := make(chan struct{})
			close(left)
			checkGoesOn(t, g, 1, left)
		})
		t.Run(name+"-blocked", func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
			require.NoError(t, g.w.SetMetadata([]byte("640x480")))
			g.fill(100)
			sem := g.raw().SpaceReady()
			left := make(chan struct{})
			go func() { defer close(left); awaitBlocked(sem); leave(g) }()
			checkGoesOn(t, g, 0, left)
		})
	}
}

// checkGoesOn writes until the writer is in the next buffer, and looks at all of it. The reader
// that goes has read so many frames; left is closed when it has gone.
func checkGoesOn(t *testing.T, g *rig, read uint64, left <-chan struct{}) {
	t.Helper()
	var lost uint64
	err := g.meanwhile(func() error {
		for g.w.Stats().Reconnects == 0 { // the end of a killed reader may be seen a bit later
			if err := g.w.WriteFrame(context.Background(), []byte("the first")); err != nil {
				return err
			}
		}
		return nil
	}, func() {
		<-left
		lost = g.w.FramesWritten() - read
		st := g.w.Stats()
		require.Equal(t, lost, st.FramesLost)
		require.Zero(t, st.PayloadFree)
		require.Zero(t, st.Reconnects)
		require.False(t, g.w.ReaderConnected())
		require.Equal(t, 1008, g.w.MaxFrameSize(), "that of the last ring")
		g.renew(zerobuffer.ReaderOptions{PayloadSize: 2048})
	})
	require.NoError(t, err)
	require.True(t, g.w.ReaderConnected())
	require.Equal(t, 2032, g.w.MaxFrameSize())
	f := g.read()
	require.Equal(t, "the first", string(f.Bytes()))
	require.Equal(t, uint64(1), f.Sequence())
	f.Release()
	g.write(10, 'x')
	require.Equal(t, uint64(2), g.read().Sequence())
	metadata, err := g.r.Metadata()
	require.NoError(t, err)
	require.Equal(t, "640x480", string(metadata))
	st := g.w.Stats()
	require.Equal(t, read+lost+2, st.FramesWritten)
	require.Equal(t, uint64(1), st.Reconnects)
	require.Equal(t, lost, st.FramesLost)
	require.Equal(t, uint64(2048), st.PayloadSize)
	require.Equal(t, 1, countOf(g.wlog.all(), lostReader))
}

const lostReader = "WARN the reader is gone; the writer goes on in the next buffer of this name"

func countOf(entries []string, wanted string) int {
	n := 0
	for _, entry := range entries {
		if entry == wanted {
			n++
		}
	}
	return n
}

// TestReconnectCalls lets each call that waits find that its reader has closed.
func TestReconnectCalls(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*rig) error{
		"write": func(g *rig) error { return g.w.WriteFrame(context.Background(), []byte{0}, []byte{1}) },
		"batch": func(g *rig) error {
			n, err := g.w.WriteBatch(context.Background(), [][]byte{{0, 1}, {0, 2}})
			require.Equal(g.t, 2, n)
			return err
		},
		"reserve": func(g *rig) error {
			b, err := g.w.Reserve(context.Background(), 2)
			if err != nil {
				return err
			}
			copy(b, []byte{0, 1})
			return g.w.Commit(2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
			for range 3 { // again and again
				leaves["closed"](g)
				err := g.meanwhile(func() error { return call(g) }, func() {
					g.renew(zerobuffer.ReaderOptions{})
				})
				require.NoError(t, err)
				f := g.read()
				require.Equal(t, []byte{0, 1}, f.Bytes())
				require.Equal(t, uint64(1), f.Sequence())
				f.Release()
			}
			require.Equal(t, uint64(3), g.w.Stats().Reconnects)
		})
	}
}

// TestReconnectBatchInTheMiddle blocks in the middle of a batch when the reader goes. What is in
// the old buffer is lost, the rest is written to the new one.
func TestReconnectBatchInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, leave := range leaves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
			sem := g.raw().SpaceReady()
			left := make(chan struct{})
			go func() { defer close(left); awaitBlocked(sem); leave(g) }()
			frames := numbered(12, 100) // 8 fit
			err := g.meanwhile(func() error {
				n, err := g.w.WriteBatch(context.Background(), frames)
				require.Equal(t, len(frames), n)
				return err
			}, func() { <-left; g.renew(zerobuffer.ReaderOptions{}) })
			require.NoError(t, err)
			for i, frame := range frames[8:] {
				f := g.read()
				require.Equal(t, frame, f.Bytes())
				require.Equal(t, uint64(i+1), f.Sequence())
				f.Release()
			}
			require.Equal(t, uint64(12), g.w.FramesWritten())
			require.Equal(t, uint64(8), g.w.Stats().FramesLost)
		})
	}
}

// TestReconnectReserved shows that a reserved frame stays where it is until Commit, which says that
// nobody will read it; the next Reserve is in the new buffer.
func TestReconnectReserved(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	r, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(spy.process(), bufferName, &reconnecting)
	require.NoError(t, err)
	b, err := w.Reserve(t.Context(), 5)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	r, err = zerobuffer.NewReader(spy.process(), bufferName, nil)
	require.NoError(t, err)
	require.ErrorIs(t, w.WriteFrame(t.Context(), []byte{1}), zerobuffer.ErrReserved)
	require.Equal(t, int64(1), spy.closed.Load(), "unmapped under a reserved frame")
	copy(b, "hello")
	require.ErrorIs(t, w.Commit(5), zerobuffer.ErrReaderClosed)
	require.ErrorIs(t, w.Commit(5), zerobuffer.ErrNotReserved)
	b, err = w.Reserve(t.Context(), 5)
	require.NoError(t, err)
	require.Equal(t, int64(2), spy.closed.Load(), "the old buffer is still mapped")
	copy(b, "hello")
	require.NoError(t, w.Commit(5))
	f, err := r.ReadFrame(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hello", string(f.Bytes()))
	f.Release()
	require.NoError(t, r.Close())
	require.NoError(t, w.Close())
	require.Equal(t, int64(4), spy.closed.Load())
	require.Equal(t, int64(4), spy.removed.Load())
	require.Zero(t, spy.misuse.Load())
}

// TestReconnectWatches kills the reader of the second buffer while there is room: its end is told
// as that of the first one would be.
func TestReconnectWatches(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{PayloadSize: 64 << 10})
	require.NoError(t, g.w.WriteFrame(context.Background(), []byte{1}))
	g.killReader()
	n := 0
	for err := error(nil); err == nil; n++ {
		_, err = g.w.TryWriteFrame([]byte{1})
		time.Sleep(100 * time.Microsecond)
	}
	require.Less(t, n, 64<<10/17-1, "the ring was filled before")
}

// TestReconnectTry never waits: it tells that there is no reader, and goes on when there is one.
func TestReconnectTry(t *testing.T) {
	t.Parallel()
	for name, leave := range leaves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
			n := g.fill(100)
			leave(g)
			for range 20 {
				ok, err := g.w.TryWriteFrame(make([]byte, 100))
				require.False(t, ok)
				require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
				require.Equal(t, name == "closed", errors.Is(err, zerobuffer.ErrReaderClosed))
				time.Sleep(time.Millisecond)
			}
			g.renew(zerobuffer.ReaderOptions{})
			for {
				ok, err := g.w.TryWriteFrame([]byte("tried"))
				if ok {
					require.NoError(t, err)
					break
				}
				require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
			}
			f := g.read()
			require.Equal(t, "tried", string(f.Bytes()))
			require.Equal(t, uint64(1), f.Sequence())
			f.Release()
			require.Equal(t, uint64(n), g.w.Stats().FramesLost)
			g.fill(100)
			ok, err := g.w.TryWriteFrame(make([]byte, 100))
			require.NoError(t, err, "a full ring is no end")
			require.False(t, ok)
		})
	}
}

// TestReconnectOtherSizes meets a smaller ring, in which the frame does not fit, and then a larger
// one, because the reader was started again to make room.
func TestReconnectOtherSizes(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	large := bytes.Repeat([]byte{'l'}, 800)
	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{PayloadSize: 512})
	err := g.w.WriteFrame(context.Background(), large)
	size, ok := errors.AsType[*zerobuffer.FrameSizeError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, int64(496), size.Max)
	require.Equal(t, 496, g.w.MaxFrameSize())
	g.write(100, 's')
	g.readRelease(1)
	_, err = g.w.TryWriteFrame(large)
	require.ErrorIs(t, err, zerobuffer.ErrFrameTooLarge)
	require.Equal(t, zerobuffer.WriterStats{
		FramesWritten: 1, BytesWritten: 100, Reconnects: 1, PayloadSize: 512, PayloadFree: 512,
	}, g.w.Stats(), "nothing is lost")

	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{PayloadSize: 4096})
	larger := bytes.Repeat([]byte{'L'}, 3000)
	require.NoError(t, g.w.WriteFrame(context.Background(), larger))
	require.Equal(t, larger, g.read().Bytes())
	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{PayloadSize: 8192})
	ok, err = g.w.TryWriteFrame(make([]byte, 5000))
	require.NoError(t, err)
	require.True(t, ok)
}
