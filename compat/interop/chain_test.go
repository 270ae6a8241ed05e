//go:build linux

package interop

import (
	"testing"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// chain sends n frames from Go through a relay of a few lines of Python back to Go.
func chain(t *testing.T, s sizes, payload, n int) {
	in, out := newName(t, pythonLeaves...), newName(t)
	ctx := watched(t)
	p := startPeer(t)
	r := newReader(t, out, payload)
	p.call("reader", args{"name": in, "payload": payload})
	p.call("writer", args{"name": out})
	w := newWriter(t, in)
	require.NoError(t, w.SetMetadata([]byte("through Python")))
	p.send("relay", args{"n": n})
	sent := make(chan error, 1)
	go func() { sent <- s.send(ctx, w, 0, n) }()
	got, err := r.WaitMetadata(ctx)
	require.NoError(t, err)
	require.Equal(t, "through Python", string(got))
	s.read(t, ctx, r, 0, n)
	require.NoError(t, <-sent)
	require.Equal(t, n, p.recv().Frames)
	p.call("close_writer", nil)
	_, err = r.ReadFrame(ctx)
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
}

func TestPythonRelay(t *testing.T) {
	t.Run("mixed-frames", func(t *testing.T) { chain(t, mixed(1, 16384), 65536, 10000) })
	t.Run("full-hd-frames", func(t *testing.T) { chain(t, fixed(3110400), 10<<20, 50) })
}

// The other way round: frames come from Python, pass a relay in Go without a copy into its own
// memory, and go back to Python.
func TestGoRelay(t *testing.T) {
	const n = 10000
	in, out := newName(t), newName(t, pythonLeaves...)
	s, ctx := mixed(2, 8192), watched(t)
	source, sink := startPeer(t), startPeer(t)
	sink.call("reader", args{"name": out, "payload": 32768})
	r, w := newReader(t, in, 32768), newWriter(t, out)
	source.call("writer", args{"name": in})
	source.send("write", args{"sizes": s, "n": n})
	sink.send("read", args{"sizes": s, "n": n})
	for range n {
		frame, err := r.ReadFrame(ctx)
		require.NoError(t, err)
		err = w.WriteFrame(ctx, frame.Bytes())
		frame.Release()
		require.NoError(t, err)
	}
	require.Equal(t, n, source.recv().Frames)
	require.Equal(t, n, sink.recv().Frames)
}
