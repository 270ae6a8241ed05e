//go:build linux

package interop

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// soon sleeps up to 20 ms, so that kills come at different places.
func soon() { time.Sleep(time.Duration(rand.IntN(20000)) * time.Microsecond) }

func TestPythonWriterKilledWithFramesUnread(t *testing.T) {
	name := newName(t)
	s, ctx := mixed(1, 500), watched(t)
	r := newReader(t, name, 16384)
	p := startPeer(t)
	p.call("writer", args{"name": name})
	p.call("write", args{"sizes": s, "n": 20})
	p.kill()
	s.read(t, ctx, r, 0, 20)
	for range 3 {
		_, err := r.ReadFrame(ctx)
		require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
		require.NotErrorIs(t, err, zerobuffer.ErrWriterClosed)
	}

	// A writer of ours goes on in the same ring, then another of the peer, from 1 again.
	w := newWriter(t, name)
	require.NoError(t, r.WaitWriter(ctx))
	s.write(t, ctx, w, 20, 20)
	s.read(t, ctx, r, 20, 20)
	require.NoError(t, w.Close())
	_, err := r.ReadFrame(ctx)
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	p = startPeer(t)
	p.call("writer", args{"name": name})
	require.NoError(t, r.WaitWriter(ctx))
	p.call("write", args{"sizes": s, "n": 20})
	s.read(t, ctx, r, 0, 20)
}

// The peer is killed anywhere in a write. What it has finished arrives, nothing torn; a new writer
// of ours then uses the ring as if nothing had happened, whatever the accounts were.
func TestPythonWriterKilledAnywhere(t *testing.T) {
	for range 10 {
		name := newName(t)
		s, ctx := mixed(rand.Uint64(), 2000), watched(t)
		t.Logf("seed %d", s.Seed)
		r := newReader(t, name, 8192)
		p := startPeer(t)
		p.call("writer", args{"name": name})
		p.send("write", args{"sizes": s, "n": 1 << 30})
		s.read(t, ctx, r, 0, 50)
		soon()
		p.kill()
		next := readUntil(t, s, r, 50, zerobuffer.ErrWriterDead)
		w := newWriter(t, name)
		require.NoError(t, r.WaitWriter(ctx))
		sent := make(chan error, 1)
		go func() { sent <- s.send(ctx, w, next, 500) }()
		s.read(t, ctx, r, next, 500)
		require.NoError(t, <-sent)
		require.NoError(t, w.Close())
		require.NoError(t, r.Close())
	}
}

// readUntil reads frames from first on until the given error, and returns the next one's number.
func readUntil(t *testing.T, s sizes, r *zerobuffer.Reader, first int, end error) int {
	t.Helper()
	for i := first; ; i++ {
		frame, err := r.ReadFrame(watched(t))
		if err != nil {
			require.ErrorIs(t, err, end, "frame %d", i)
			return i
		}
		s.check(t, i, frame.Bytes())
		frame.Release()
	}
}

// A reader that is killed leaves everything; the writer notices while it waits for space, and the
// name can be used again at once.
func TestPythonReaderKilledWhileWriterWaits(t *testing.T) {
	name := newName(t, "lock") // the lock file that the next reader made its own
	ctx := watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	ended := make(chan error, 1)
	go func() { ended <- writeUntilError(ctx, w, content(0, 1000)) }()
	waitForWaiter(t, name, false)
	p.kill()
	err := <-ended
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.NotErrorIs(t, err, zerobuffer.ErrReaderClosed)
	require.NoError(t, w.Close())

	s := mixed(1, 1000)
	r := newReader(t, name, 4096)
	w = newWriter(t, name)
	s.write(t, ctx, w, 0, 3)
	s.read(t, ctx, r, 0, 3)
}

// The peer's next reader of the same name works as well, once our writer has closed.
func TestPythonReaderKilledThenPythonReader(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s, ctx := mixed(1, 1000), watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	s.write(t, ctx, w, 0, 2)
	p.kill()
	require.ErrorIs(t, writeUntilError(watched(t), w, s.frame(0)), zerobuffer.ErrReaderDead)
	require.NoError(t, w.Close())

	p = startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w = newWriter(t, name)
	p.send("read", args{"sizes": s, "n": 100})
	s.write(t, ctx, w, 0, 100)
	p.recv()
}

// writeUntilError writes the same frame until the writer complains.
func writeUntilError(ctx context.Context, w *zerobuffer.Writer, frame []byte) error {
	for {
		if err := w.WriteFrame(ctx, frame); err != nil {
			return err
		}
	}
}

// Our writer is killed: the peer gets what was written, then notices at its time-out. Our next
// writer goes on with the sequence numbers, which the peer checks.
func TestPythonReaderCrossProcessWriterKilled(t *testing.T) {
	for range 10 {
		name := newName(t, pythonLeaves...)
		s, ctx := helperSizes, watched(t)
		p := startPeer(t)
		p.call("reader", args{"name": name, "payload": helperPayload})
		c := startChild(t, "writer", name, 0, 1<<30)
		p.call("read", args{"sizes": s, "n": 50})
		p.send("drain", args{"sizes": s, "first": 50, "timeout": 0.1})
		soon()
		c.kill()
		got := p.recv()
		require.Equal(t, "WriterDeadException", got.Ended)
		next := 50 + got.Frames

		// The frame that the kill interrupted may still come, complete, when the next writer
		// settles its accounts.
		w := newWriter(t, name)
		got = p.call("drain", args{"sizes": s, "first": next, "timeout": 0.1, "idle": true})
		require.LessOrEqual(t, got.Frames, 1)
		next += got.Frames
		p.send("read", args{"sizes": s, "n": 200, "first": next})
		s.write(t, ctx, w, next, 200)
		p.recv()
		require.NoError(t, w.Close())
	}
}

// Our reader is killed while it holds a frame: the peer's writer raises, and connects to our next
// reader of the same name.
func TestPythonWriterCrossProcessReaderKilled(t *testing.T) {
	name := newName(t)
	s, ctx := helperSizes, watched(t)
	p := startPeer(t)
	c := startChild(t, "reader", name, 0, 50)
	p.call("writer", args{"name": name, "timeout": 0.5})
	p.call("write", args{"sizes": s, "n": 50})
	c.wait("done")
	c.kill()
	p.fails("write", args{"sizes": s, "n": 1 << 30, "first": 50}, "ReaderDeadException")
	p.call("close_writer", nil)

	r := newReader(t, name, helperPayload)
	p.call("writer", args{"name": name})
	p.send("write", args{"sizes": s, "n": 200})
	s.read(t, ctx, r, 0, 200)
	p.recv()
}
