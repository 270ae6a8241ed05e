//go:build linux

package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// Here are the paths on which the peer's own two sides fail each other (contract, section 5), and
// what ours does there.

// A frame that fits neither behind the write position nor before it, in an empty ring: the peers'
// writers wait for it for ever. Ours starts again at offset 0.
func TestPythonReaderFramesUpToTheRing(t *testing.T) {
	const payload, n = 4096, 300
	for _, list := range [][]int{
		{2500, 2900},
		{payload - 16},
		{100, payload - 16},
		{2000, 3000, 4000, 1},
		{payload - 17, 15},
	} {
		t.Run(fmt.Sprint("frames-", list[0], "-", list[len(list)-1]), func(t *testing.T) {
			name := newName(t, pythonLeaves...)
			s := fixed(list...)
			p := startPeer(t)
			p.call("reader", args{"name": name, "payload": payload})
			w := newWriter(t, name)
			p.send("read", args{"sizes": s, "n": n})
			s.write(t, watched(t), w, 0, n)
			require.Equal(t, n, p.recv().Frames)
		})
	}
}

// The peer's writer gets stuck at such a frame and says so after its time-out. Nothing is broken
// by that: it goes on with a smaller one.
func TestPythonWriterFrameThatNeverFits(t *testing.T) {
	name := newName(t)
	ctx := watched(t)
	p := startPeer(t)
	r := newReader(t, name, 4096)
	p.call("writer", args{"name": name, "timeout": 0.2})
	s := fixed(2500, 2900, 1000)
	p.call("write", args{"sizes": s, "n": 1})
	s.read(t, ctx, r, 0, 1)
	waitForFree(t, name, 4096)
	p.fails("write", args{"sizes": s, "n": 1, "first": 1}, "BufferFullException")
	p.call("write", args{"sizes": s, "n": 1, "first": 2})
	s.read(t, ctx, r, 2, 1)
}

// A frame as large as the ring is the largest that the peer's writer takes, at offset 0 only.
func TestPythonWriterFrameOfTheRing(t *testing.T) {
	name := newName(t)
	p := startPeer(t)
	r := newReader(t, name, 4096)
	p.call("writer", args{"name": name})
	s := fixed(4096 - 16)
	p.send("write", args{"sizes": s, "n": 50})
	s.read(t, watched(t), r, 0, 50)
	require.Equal(t, 50, p.recv().Frames)
	p.fails("write", args{"sizes": fixed(4096), "n": 1}, "FrameTooLargeException")
}

// Frames of the peer that we hold keep their bytes until they are released, in whatever order that
// happens. The peers' own readers give away the space of a held frame.
func TestPythonWriterReleaseOutOfOrder(t *testing.T) {
	name := newName(t)
	s, ctx := fixed(1000), watched(t)
	p := startPeer(t)
	r := newReader(t, name, 4096)
	p.call("writer", args{"name": name, "timeout": 0.1})
	for first := 0; first < 40; first += 4 {
		p.call("write", args{"sizes": s, "n": 4, "first": first})
		var frames []zerobuffer.Frame
		for range 4 {
			frame, err := r.ReadFrame(ctx)
			require.NoError(t, err)
			frames = append(frames, frame)
		}
		for _, i := range []int{2, 3, 1} {
			frames[i].Release()
		}
		p.fails("write", args{"sizes": s, "n": 1, "first": first + 4}, "BufferFullException")
		s.check(t, first, frames[0].Bytes())
		frames[0].Release()
		waitForFree(t, name, 4096)
	}
}

// The peer's reader can hold one frame; of the first of two it never gives the space back. Ours
// goes on with what is left.
func TestPythonReaderHoldsTwo(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s, ctx := fixed(500), watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	s.write(t, ctx, w, 0, 2)
	p.call("read", args{"sizes": s, "n": 2, "hold": 2})
	p.call("release", nil)
	ring := p.call("oieb", nil)
	require.EqualValues(t, 4096-516, ring.Free, "the peer has lost a frame: %v", ring)
	p.send("read", args{"sizes": s, "n": 500, "first": 2})
	s.write(t, ctx, w, 2, 500)
	p.recv()
}

// The naive loop of the peer holds a frame while it waits for the next one. The bytes of the held
// frame stay as they are while ours fills the rest of the ring.
func TestPythonReaderHoldsWhileWriterFills(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s, ctx := mixed(6, 900), watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	next := 0
	for i := range 200 {
		next = fill(t, s, w, next)
		p.call("read", args{"sizes": s, "n": 1, "first": i, "hold": 1})
		next = fill(t, s, w, next)
		p.call("check_held", args{"sizes": s, "first": i})
	}
	p.call("read", args{"sizes": s, "n": next - 200, "first": 200})
	require.NoError(t, w.WaitDrained(ctx))
}

// fill writes from frame next on until the ring is full, and returns the next one.
func fill(t *testing.T, s sizes, w *zerobuffer.Writer, next int) int {
	t.Helper()
	for ; ; next++ {
		wrote, err := w.TryWriteFrame(s.frame(next))
		require.NoError(t, err)
		if !wrote {
			return next
		}
	}
}
