//go:build linux

package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// frameSizes are the sizes around a header, and those of real frames up to 1080p in YUV 4:2:0.
var frameSizes = []int{1, 15, 16, 17, 1000, 65536, 3110400}

// forSizes runs a test with a ring of a few frames of each size.
func forSizes(t *testing.T, test func(t *testing.T, s sizes, payload, n int)) {
	for _, size := range frameSizes {
		t.Run(fmt.Sprintf("frame-%d", size), func(t *testing.T) {
			n := 500
			if size > 100000 {
				n = 50
			}
			test(t, fixed(size), max(1024, 3*(size+16)+5), n)
		})
	}
}

func TestPythonReaderFrameSizes(t *testing.T) {
	forSizes(t, func(t *testing.T, s sizes, payload, n int) {
		name := newName(t, pythonLeaves...)
		p := startPeer(t)
		p.call("reader", args{"name": name, "payload": payload})
		w := newWriter(t, name)
		p.send("read", args{"sizes": s, "n": n})
		s.write(t, watched(t), w, 0, n)
		require.Equal(t, n, p.recv().Frames)
	})
}

func TestPythonWriterFrameSizes(t *testing.T) {
	forSizes(t, func(t *testing.T, s sizes, payload, n int) {
		for _, zeroCopy := range []bool{false, true} {
			name := newName(t)
			p := startPeer(t)
			r := newReader(t, name, payload)
			p.call("writer", args{"name": name})
			p.send("write", args{"sizes": s, "n": n, "zero_copy": zeroCopy})
			s.read(t, watched(t), r, 0, n)
			require.Equal(t, n, p.recv().Frames)
			require.EqualValues(t, n, r.FramesRead())
		}
	})
}

// Frames of a batch stay marked as unfinished until their one subtraction (contract 3a). The peer
// knows no mark: it must never see one in a frame whose token it has taken.
func TestPythonReaderBatch(t *testing.T) {
	const n, batch = 2000, 32
	name := newName(t, pythonLeaves...)
	s := mixed(3, 900)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 8192})
	w := newWriter(t, name)
	p.send("read", args{"sizes": s, "n": n})
	frames := make([][]byte, 0, batch)
	for i := 0; i < n; i += len(frames) {
		frames = frames[:0]
		for j := i; j < min(i+batch, n); j++ {
			frames = append(frames, s.frame(j))
		}
		written, err := w.WriteBatch(watched(t), frames)
		require.NoError(t, err)
		require.Len(t, frames, written)
	}
	require.Equal(t, n, p.recv().Frames)
}

func TestPythonWriterBatch(t *testing.T) {
	const n = 2000
	name := newName(t)
	s := mixed(4, 900)
	p := startPeer(t)
	r := newReader(t, name, 8192)
	p.call("writer", args{"name": name})
	p.send("write", args{"sizes": s, "n": n})
	frames := make([]zerobuffer.Frame, 16)
	for i := 0; i < n; {
		got, err := r.ReadBatch(watched(t), frames)
		require.NoError(t, err)
		for _, frame := range frames[:got] {
			s.check(t, i, frame.Bytes())
			i++
			frame.Release()
		}
	}
	require.Equal(t, n, p.recv().Frames)
}

// A frame that is filled in place and then shortened, or given up, leaves nothing that the peer
// could take for a frame, and no gap in the sequence numbers.
func TestPythonReaderReserve(t *testing.T) {
	const n = 1000
	name := newName(t, pythonLeaves...)
	s := mixed(5, 700)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	p.send("read", args{"sizes": s, "n": n})
	for i := range n {
		if i%3 == 1 {
			_, err := w.Reserve(watched(t), 1000)
			require.NoError(t, err)
			require.NoError(t, w.Abort())
		}
		data := s.frame(i)
		buf, err := w.Reserve(watched(t), len(data)+i%50)
		require.NoError(t, err)
		copy(buf, data)
		require.NoError(t, w.Commit(len(data)))
	}
	require.Equal(t, n, p.recv().Frames)
}

// The newest frame only: the older ones go back at once, as the peer sees at its next writes.
func TestPythonWriterLatest(t *testing.T) {
	name := newName(t)
	s := fixed(1000)
	p := startPeer(t)
	r := newReader(t, name, 8192)
	p.call("writer", args{"name": name})
	for first := 0; first < 60; first += 6 {
		p.call("write", args{"sizes": s, "n": 6, "first": first})
		frame, err := r.Latest(watched(t))
		require.NoError(t, err)
		require.EqualValues(t, first+6, frame.Sequence())
		s.check(t, first+5, frame.Bytes())
		frame.Release()
	}
}
