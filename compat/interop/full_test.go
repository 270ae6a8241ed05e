//go:build linux

package interop

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestPythonReaderSlow(t *testing.T) {
	const n = 300
	name := newName(t, pythonLeaves...)
	s := mixed(1, 2000)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 8192})
	w := newWriter(t, name)
	start := time.Now()
	p.send("read", args{"sizes": s, "n": n, "delay": 0.003})
	s.write(t, watched(t), w, 0, n)
	require.Equal(t, n, p.recv().Frames)
	require.GreaterOrEqual(t, time.Since(start), n*3*time.Millisecond)
	require.NoError(t, w.WaitDrained(watched(t)))
}

func TestPythonWriterSlowReader(t *testing.T) {
	const n = 300
	name := newName(t)
	s, ctx := mixed(2, 2000), watched(t)
	p := startPeer(t)
	r := newReader(t, name, 8192)
	p.call("writer", args{"name": name})
	p.send("write", args{"sizes": s, "n": n})
	for i := range n {
		frame, err := r.ReadFrame(ctx)
		require.NoError(t, err)
		time.Sleep(3 * time.Millisecond) // the frame is held meanwhile
		s.check(t, i, frame.Bytes())
		frame.Release()
	}
	require.Equal(t, n, p.recv().Frames)
}

func TestPythonWriterSlow(t *testing.T) {
	const n = 200
	name := newName(t)
	s := mixed(3, 2000)
	p := startPeer(t)
	r := newReader(t, name, 8192)
	p.call("writer", args{"name": name})
	p.send("write", args{"sizes": s, "n": n, "delay": 0.003})
	s.read(t, watched(t), r, 0, n)
	require.Equal(t, n, p.recv().Frames)
}

// A write that has timed out has written nothing: the sequence goes on without a gap.
func TestPythonReaderWriteTimeout(t *testing.T) {
	const timeout = 100 * time.Millisecond
	name := newName(t, pythonLeaves...)
	s := fixed(1000)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w, err := zerobuffer.NewWriter(backend, name, &zerobuffer.WriterOptions{WriteTimeout: timeout})
	require.NoError(t, err)
	defer w.Close()
	ctx := context.Background()
	next := 0
	for round := range 3 {
		for ; ; next++ {
			start := time.Now()
			if err = w.WriteFrame(ctx, s.frame(next)); err != nil {
				require.GreaterOrEqual(t, time.Since(start), timeout)
				break
			}
		}
		require.ErrorIs(t, err, zerobuffer.ErrBufferFull)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		wrote, err := w.TryWriteFrame(s.frame(next))
		require.NoError(t, err)
		require.False(t, wrote)
		require.True(t, w.ReaderConnected())
		// Twice the peer gives back only some of the frames.
		p.call("read", args{"sizes": s, "n": 2, "first": 2 * round})
	}
	p.call("read", args{"sizes": s, "n": next - 6, "first": 6})
}

// The context of one call ends a write as well, before the writer's own time-out.
func TestPythonReaderWriteCancelled(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s := fixed(1000)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	next := 0
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		err := w.WriteFrame(ctx, s.frame(next))
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			break
		}
		next++
	}
	p.send("read", args{"sizes": s, "n": next + 10})
	s.write(t, watched(t), w, next, 10)
	p.recv()
}

func TestPythonWriterWriteTimeout(t *testing.T) {
	name := newName(t)
	s := fixed(1000)
	p := startPeer(t)
	r := newReader(t, name, 4096)
	p.call("writer", args{"name": name, "timeout": 0.1})
	// Four frames of 1016 bytes fill the ring; the peer counts a frame only when it was written.
	p.call("write", args{"sizes": s, "n": 4})
	for next := 4; next < 20; next += 2 {
		p.fails("write", args{"sizes": s, "n": 1, "first": next}, "BufferFullException")
		s.read(t, watched(t), r, next-4, 2)
		waitForFree(t, name, 2*1016)
		p.call("write", args{"sizes": s, "n": 1, "first": next})
		p.call("write", args{"sizes": s, "n": 1, "first": next + 1})
	}
	s.read(t, watched(t), r, 16, 4)
}

// waitForFree waits until that many bytes of the ring are free: our reader may give back a little
// later than Release (contract 4a).
func waitForFree(t *testing.T, name string, want uint64) {
	t.Helper()
	ring, ctx := view(t, name), watched(t)
	for ring.OIEB.PayloadFree.Load() < want {
		require.NoError(t, ctx.Err(), "free bytes: %d", ring.OIEB.PayloadFree.Load())
		time.Sleep(time.Millisecond)
	}
}
