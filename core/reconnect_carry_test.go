package zerobuffer_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// awaitWritten tries until a frame is written.
func (g *rig) awaitWritten(b []byte) {
	g.t.Helper()
	for {
		ok, err := g.w.TryWriteFrame(b)
		if ok {
			return
		}
		if err != nil {
			require.ErrorIs(g.t, err, zerobuffer.ErrReaderDead)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestReconnectMemory has another answer to the memory options in each buffer.
func TestReconnectMemory(t *testing.T) {
	t.Parallel()
	var tuned int
	b := &hookedBackend{onTune: func() (st zerobuffer.MemoryStatus) {
		tuned++
		st.Active.Lock = tuned == 2
		return st
	}}
	g := newHookedRig(t, b, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{
		Reconnect: true, Memory: zerobuffer.MemoryOptions{Lock: true},
	})
	require.False(t, g.w.Memory().Active.Lock)
	leaves["closed"](g)
	_, err := g.w.TryWriteFrame([]byte{1})
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.False(t, g.w.Memory().Active.Lock, "that of the last buffer")
	g.renew(zerobuffer.ReaderOptions{})
	g.awaitWritten([]byte{1})
	require.True(t, g.w.Memory().Active.Lock)
	require.Equal(t, 2, tuned)
}

// TestReconnectSpaceInDoubt meets, in front of a reader of another language, the accounts that
// another writer left half done in the next buffer, and none in the one after.
func TestReconnectSpaceInDoubt(t *testing.T) {
	t.Parallel()
	g := newHookedRig(t, &hookedBackend{foreign: true}, zerobuffer.ReaderOptions{}, reconnecting)
	require.Zero(t, g.w.Stats().SpaceInDoubt)
	require.NoError(t, g.r.Close())
	g.renew(zerobuffer.ReaderOptions{})
	const total = layout.HeaderSize + 84
	layout.WriteSeq(g.payload()[2*total:], 3|layout.Unfinished)
	layout.WriteSize(g.payload()[2*total:], total-layout.HeaderSize)
	g.oieb().ReadPos.Store(2 * total)
	g.oieb().WritePos.Store(3 * total)
	g.oieb().PayloadFree.Store(1024 - total)
	g.awaitWritten([]byte{1})
	require.Equal(t, uint64(total), g.w.Stats().SpaceInDoubt)
	require.Equal(t, uint64(1), g.w.Stats().Reconnects)
	require.NoError(t, g.r.Close())
	_, err := g.w.TryWriteFrame([]byte{1})
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.Zero(t, g.w.Stats().SpaceInDoubt, "it went with the buffer")
	g.renew(zerobuffer.ReaderOptions{})
	g.awaitWritten([]byte{1})
	require.Zero(t, g.w.Stats().SpaceInDoubt)
}

// TestReconnectGivesUpWhatItPromised has the system say of a reader that lives that it is dead,
// which it may do of one that cannot be seen from here. It is in the middle of a batch; the reader
// still gets what was promised.
func TestReconnectGivesUpWhatItPromised(t *testing.T) {
	t.Parallel()
	b := &hookedBackend{}
	var looks int
	var died func()
	b.onWatch = func(f func()) func() { died = f; return nil }
	b.isAlive = func(_ driver.Role, alive bool) bool {
		if looks++; looks <= 2 {
			return alive // while it connects
		}
		died() // look once more at the next frame
		return looks <= 4
	}
	g := newHookedRig(t, b, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{
		Reconnect: true, WriteTimeout: time.Nanosecond,
	})
	died()
	batch := [][]byte{{1}, {2}, {3}}
	n, err := g.w.WriteBatch(t.Context(), batch)
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.Equal(t, 2, n)
	for i := range n {
		f := g.read()
		require.Equal(t, batch[i], f.Bytes())
		f.Release()
	}
	_, _, err = g.r.TryReadFrame()
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
}

// TestReconnectWakesReaderOfRemovedSegment takes the name away from a reader that lives: a token
// tells it that its writer has gone, so that it need not find out at its next look.
func TestReconnectWakesReaderOfRemovedSegment(t *testing.T) {
	t.Parallel()
	b := &hookedBackend{}
	g := newHookedRig(t, b, zerobuffer.ReaderOptions{}, reconnecting)
	data := g.raw().DataReady()
	g.fill(100)
	b.removed.Store(true)
	before, _ := data.State()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, g.w.WriteFrame(ctx, make([]byte, 100)), zerobuffer.ErrSegmentRemoved)
	after, _ := data.State()
	require.Equal(t, before+1, after)
}

// TestReconnectEndsDespitePeer has a hostile peer take reader_pid away from each buffer as soon as
// the writer is connected, and put it back when the writer has given up.
func TestReconnectEndsDespitePeer(t *testing.T) {
	t.Parallel()
	const enough = 100 // buffers, after which the peer lets the writer have one
	for name, test := range map[string]struct {
		opts zerobuffer.WriterOptions
		want error
	}{
		"write-timeout": {
			zerobuffer.WriterOptions{WriteTimeout: 50 * time.Millisecond},
			zerobuffer.ErrTimeout,
		},
		"context": {zerobuffer.WriterOptions{}, context.Canceled},
		"close":   {zerobuffer.WriterOptions{}, zerobuffer.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := &hookedBackend{}
			test.opts.Reconnect = true
			g := newHookedRig(t, b, zerobuffer.ReaderOptions{}, test.opts)
			o, pid := g.oieb(), g.readerP.PID()
			closed := make(chan error, 1)
			b.onOpen = func() {
				o.ReaderPID.Store(pid)
				switch {
				case b.opened.Load() != 5:
				case name == "context":
					cancel()
				case name == "close":
					go func() { closed <- g.w.Close() }()
				}
			}
			b.isAlive = func(_ driver.Role, alive bool) bool {
				if o.WriterPID.Load() != 0 && b.opened.Load() < enough {
					o.ReaderPID.Store(0)
				}
				return alive
			}
			o.ReaderPID.Store(0)
			require.ErrorIs(t, g.w.WriteFrame(ctx, []byte{1}), test.want)
			require.Less(t, int64(1), b.opened.Load())
			require.Less(t, b.opened.Load(), int64(enough))
			if name == "close" {
				require.NoError(t, <-closed)
			}
		})
	}
}
