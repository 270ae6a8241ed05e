//go:build linux

package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// Our writer is closed and killed by turns, several times in a row, each time with two frames
// unread and one held by the peer. Each next one goes on with the number that the peer expects, and
// leaves the bytes alone that the peer holds.
func TestPythonReaderCrossProcessWriterRestarts(t *testing.T) {
	const each = 4
	name := newName(t, pythonLeaves...)
	s := helperSizes
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": helperPayload})
	for round := range 10 {
		first := round * each
		c := startChild(t, "writer", name, first, each)
		if round > 0 {
			p.call("read", args{"sizes": s, "n": 1, "first": first - 2})
			p.call("check_held", args{"sizes": s, "first": first - 3})
			p.call("read", args{"sizes": s, "n": 1, "first": first - 1})
		}
		p.call("read", args{"sizes": s, "n": 2, "first": first, "hold": 1})
		c.wait("done")
		if round%2 == 0 {
			c.kill()
		} else {
			c.finish()
		}
	}
	got := p.call("drain", args{"sizes": s, "first": 10*each - 2, "timeout": 0.1})
	require.Equal(t, 2, got.Frames)
	require.Equal(t, "WriterDeadException", got.Ended)
}

// Our writers are killed anywhere in a write, one after the other in the same buffer. The one in
// between settles the accounts of the dead one and closes.
func TestPythonReaderCrossProcessWritersKilled(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s := helperSizes
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": helperPayload})
	for next := 0; next < 300; {
		c := startChild(t, "writer", name, next, 1<<30)
		p.call("read", args{"sizes": s, "n": 50, "first": next})
		p.send("drain", args{"sizes": s, "first": next + 50, "timeout": 0.1})
		soon()
		c.kill()
		got := p.recv()
		require.Equal(t, "WriterDeadException", got.Ended)
		next += 50 + got.Frames
		w := newWriter(t, name)
		got = p.call("drain", args{"sizes": s, "first": next, "timeout": 0.05, "idle": true})
		require.LessOrEqual(t, got.Frames, 1, "only the frame that the kill interrupted may come")
		next += got.Frames
		require.NoError(t, w.Close())
	}
}

// The peer's writers start again at number 1, wherever the ring is by then. Ours counts them; the
// frame that it holds meanwhile stays as it is.
func TestPythonWriterRestarts(t *testing.T) {
	const each = 20
	name := newName(t)
	s, ctx := mixed(11, 500), watched(t)
	r := newReader(t, name, 16384)
	var held zerobuffer.Frame
	for round := range 6 {
		p := startPeer(t)
		p.call("writer", args{"name": name})
		p.call("write", args{"sizes": s, "n": each})
		end := zerobuffer.ErrWriterDead
		if round%2 == 0 {
			p.kill()
		} else {
			p.call("close_writer", nil)
			end = zerobuffer.ErrWriterClosed
		}
		for i := range each {
			frame, err := r.ReadFrame(ctx)
			require.NoError(t, err, state(name))
			require.EqualValues(t, i+1, frame.Sequence())
			s.check(t, i, frame.Bytes())
			if i == 0 && held.Valid() {
				s.check(t, each-1, held.Bytes())
				held.Release()
			}
			if i < each-1 {
				frame.Release()
				continue
			}
			held = frame
		}
		_, err := r.ReadFrame(ctx)
		require.ErrorIs(t, err, end)
		require.EqualValues(t, round, r.Stats().WriterRestarts)
	}
	held.Release()
}

// Writers of all kinds follow each other in one buffer, each killed in the middle of its work:
// ours, the peer's, ours again. Ours goes on with the number of the one before, whoever that was.
func TestWritersOfBothKindsCrossProcessKilled(t *testing.T) {
	name := newName(t)
	s, ctx := helperSizes, watched(t)
	r := newReader(t, name, helperPayload)
	var number uint64 // of the last frame so far
	for round := range 3 {
		c := startChild(t, "writer", name, 0, 1<<30)
		ours, _ := drainKilled(t, r, c.kill)
		require.Equal(t, number+1, ours, "the number that follows")

		p := startPeer(t)
		p.call("writer", args{"name": name})
		p.send("write", args{"sizes": s, "n": 1 << 30})
		first, last := drainKilled(t, r, p.kill)
		require.EqualValues(t, 1, first)
		require.EqualValues(t, round+1, r.Stats().WriterRestarts)

		w := newWriter(t, name)
		require.NoError(t, r.WaitWriter(ctx))
		s.write(t, ctx, w, 0, 1)
		frame, err := r.ReadFrame(ctx)
		require.NoError(t, err)
		number = frame.Sequence()
		require.Equal(t, last+1, number)
		s.check(t, 0, frame.Bytes())
		frame.Release()
		require.NoError(t, w.Close())
		_, err = r.ReadFrame(ctx)
		require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	}
}

// drainKilled reads the frames of a writer, kills it after 50, and reads what it left. It returns
// the first and the last sequence number; those between follow each other.
func drainKilled(t *testing.T, r *zerobuffer.Reader, kill func()) (first, last uint64) {
	t.Helper()
	require.NoError(t, r.WaitWriter(watched(t)))
	for i := 0; ; i++ {
		frame, err := r.ReadFrame(watched(t))
		if err != nil {
			require.ErrorIs(t, err, zerobuffer.ErrWriterDead, "frame %d", i)
			return first, last
		}
		helperSizes.check(t, i, frame.Bytes())
		if i == 0 {
			first = frame.Sequence()
		} else {
			require.Equal(t, last+1, frame.Sequence())
		}
		last = frame.Sequence()
		frame.Release()
		if i == 50 {
			soon()
			kill()
		}
	}
}

// The peer's reader is killed and closed by turns, and started again, while our writer, a process
// of its own, writes on without end: with Reconnect it goes on in each new buffer, from number 1,
// which the peer checks.
func TestPythonReaderRestartsCrossProcessWriterReconnects(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s := helperSizes
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": helperPayload})
	c := startChild(t, "follower", name, 0, 0)
	first := 0
	for round := range 6 {
		p.call("read", args{"sizes": s, "n": 50, "first": first, "hold": round % 2})
		soon() // the ring is full, or about to be
		if round%2 == 0 {
			p.kill()
			p = startPeer(t)
		} else {
			p.call("close_reader", nil)
		}
		p.call("reader", args{"name": name, "payload": helperPayload})
		next := c.number()
		require.Greater(t, next, first+50)
		first = next
	}
	p.call("read", args{"sizes": s, "n": 50, "first": first})
	c.kill()
	p.call("drain", args{"sizes": s, "first": first + 50, "timeout": 0.1})
}

// A writer that waits for a reader of its name takes a reader of the other kind as well, and gives
// it the metadata.
func TestReadersOfBothKindsWriterReconnects(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s, ctx := mixed(3, 500), watched(t)
	r := newReader(t, name, 4096)
	w, err := zerobuffer.NewWriter(backend, name, &zerobuffer.WriterOptions{Reconnect: true})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.SetMetadata([]byte("640x480")))
	p := startPeer(t)
	for round := range 4 {
		s.write(t, ctx, w, 0, 3)
		written := make(chan error, 1)
		if round%2 == 0 {
			require.NoError(t, r.Close())
			go func() { written <- s.send(ctx, w, 0, 20) }()
			p.call("reader", args{"name": name, "payload": 16384})
			p.call("read", args{"sizes": s, "n": 20})
			require.Equal(t, "640x480", string(p.call("metadata", nil).Metadata))
		} else {
			p.call("close_reader", nil)
			go func() { written <- s.send(ctx, w, 0, 20) }()
			r = newReader(t, name, 4096)
			s.read(t, ctx, r, 0, 20)
			metadata, err := r.Metadata()
			require.NoError(t, err)
			require.Equal(t, "640x480", string(metadata))
		}
		require.NoError(t, <-written)
		require.EqualValues(t, round+1, w.Stats().Reconnects, fmt.Sprint(w.Stats()))
		require.NoError(t, w.WaitDrained(ctx))
	}
}
