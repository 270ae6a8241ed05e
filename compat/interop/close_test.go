//go:build linux

package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// The peer posts nothing when it closes: its frames come first, then the end is noticed.
func TestPythonWriterClosesFirst(t *testing.T) {
	name := newName(t)
	s, ctx := mixed(1, 500), watched(t)
	r := newReader(t, name, 16384)
	p := startPeer(t)
	p.call("writer", args{"name": name})
	p.call("write", args{"sizes": s, "n": 10})
	p.call("close_writer", nil)
	s.read(t, ctx, r, 0, 10)
	for range 3 {
		_, err := r.ReadFrame(ctx)
		require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	}
	require.False(t, r.WriterConnected())

	// The next writer starts again at sequence number 1, in the middle of the ring.
	p.call("writer", args{"name": name})
	require.NoError(t, r.WaitWriter(ctx))
	require.True(t, r.WriterConnected())
	p.call("write", args{"sizes": s, "n": 10})
	p.call("close_writer", nil)
	i := 0
	for frame, err := range r.Frames(ctx) {
		require.NoError(t, err)
		s.check(t, i, frame.Bytes())
		frame.Release()
		i++
	}
	require.Equal(t, 10, i, "frames of the second writer")
}

func TestPythonWriterClosesWhileReaderWaits(t *testing.T) {
	name := newName(t)
	s, ctx := mixed(1, 500), watched(t)
	r := newReader(t, name, 16384)
	p := startPeer(t)
	p.call("writer", args{"name": name})
	p.call("write", args{"sizes": s, "n": 1})
	s.read(t, ctx, r, 0, 1)
	ended := make(chan error, 1)
	go func() {
		_, err := r.ReadFrame(ctx)
		ended <- err
	}()
	waitForWaiter(t, name, true)
	p.call("close_writer", nil)
	require.ErrorIs(t, <-ended, zerobuffer.ErrWriterClosed)
}

// waitForWaiter waits until somebody sleeps on a semaphore of the buffer: the reader in want of
// frames, or the writer in want of space.
func waitForWaiter(t *testing.T, name string, reader bool) {
	t.Helper()
	channel, err := backend.Open(name, quiet)
	require.NoError(t, err)
	defer channel.Close()
	semaphore := channel.SpaceReady()
	if reader {
		semaphore = channel.DataReady()
	}
	ctx := watched(t)
	for {
		if _, waiters := semaphore.State(); waiters > 0 {
			return
		}
		require.NoError(t, ctx.Err(), "nobody waits")
		time.Sleep(time.Millisecond)
	}
}

func TestPythonReaderClosesFirst(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s, ctx := mixed(1, 500), watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 16384})
	w := newWriter(t, name)
	s.write(t, ctx, w, 0, 5)
	p.call("read", args{"sizes": s, "n": 5})
	p.call("close_reader", nil)
	require.ErrorIs(t, w.WriteFrame(ctx, s.frame(5)), zerobuffer.ErrReaderClosed)
	require.False(t, w.ReaderConnected())
}

func TestPythonReaderClosesWhileWriterWaits(t *testing.T) {
	name := newName(t, pythonLeaves...)
	ctx := watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	ended := make(chan error, 1)
	go func() { ended <- writeUntilError(ctx, w, content(0, 1000)) }()
	waitForWaiter(t, name, false)
	p.call("close_reader", nil)
	require.ErrorIs(t, <-ended, zerobuffer.ErrReaderClosed)
}

// Ours gives a peer that sleeps one token without a frame (contract, section 5, "close"): the peer
// wakes and raises at once instead of after its time-out, here longer than the watchdog.
func TestPythonReaderWokenByClose(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s := mixed(1, 500)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 16384})
	w := newWriter(t, name)
	s.write(t, watched(t), w, 0, 10)
	p.send("drain", args{"sizes": s, "timeout": 10 * watchdog.Seconds()})
	require.NoError(t, w.WaitDrained(watched(t)))
	waitForWaiter(t, name, true)
	require.NoError(t, w.Close())
	got := p.recv()
	require.Equal(t, 10, got.Frames)
	require.Equal(t, "WriterDeadException", got.Ended)
}

// With frames unread there is no such token: the peer would take old bytes for a frame.
func TestPythonReaderGetsAllAfterClose(t *testing.T) {
	for range 10 {
		name := newName(t, pythonLeaves...)
		s := mixed(1, 500)
		p := startPeer(t)
		p.call("reader", args{"name": name, "payload": 16384})
		w := newWriter(t, name)
		s.write(t, watched(t), w, 0, 20)
		p.send("drain", args{"sizes": s, "timeout": 0.2})
		require.NoError(t, w.Close())
		got := p.recv()
		require.Equal(t, 20, got.Frames)
		require.Equal(t, "WriterDeadException", got.Ended)
	}
}

func TestPythonReaderGoesOnWithNextWriter(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s, ctx := mixed(1, 500), watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	for first := 0; first < 60; first += 20 {
		// The peer checks sequence numbers: they must go on where the last writer stopped.
		w := newWriter(t, name)
		p.send("read", args{"sizes": s, "n": 20, "first": first})
		s.write(t, ctx, w, first, 20)
		p.recv()
		require.NoError(t, w.Close())
	}
}

func TestPythonWriterSeesReaderClose(t *testing.T) {
	name := newName(t)
	s := mixed(1, 500)
	p := startPeer(t)
	r := newReader(t, name, 16384)
	p.call("writer", args{"name": name})
	p.call("write", args{"sizes": s, "n": 5})
	require.True(t, p.call("connected", args{"side": "w"}).Connected)
	require.NoError(t, r.Close())
	p.fails("write", args{"sizes": s, "n": 1}, "ReaderDeadException")
	require.False(t, p.call("connected", args{"side": "w"}).Connected)
}

func TestPythonWriterWokenByClose(t *testing.T) {
	name := newName(t)
	p := startPeer(t)
	r := newReader(t, name, 4096)
	p.call("writer", args{"name": name, "timeout": 10 * watchdog.Seconds()})
	p.send("write", args{"sizes": fixed(1000), "n": 10})
	waitForWaiter(t, name, false)
	require.NoError(t, r.Close())
	require.Equal(t, "ReaderDeadException", p.try().Error)
}
