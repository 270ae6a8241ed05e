//go:build linux

package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// How much goes through one buffer, with every byte compared. The peer does some 15,000 to 28,000
// frames a second, so this is most of the time of these tests.
const mixedPayload = 65536

func mixedFrames() int {
	if testing.Short() {
		return 5000
	}
	return 100000
}

func TestPythonReaderMixedFrames(t *testing.T) {
	n := mixedFrames()
	name := newName(t, pythonLeaves...)
	s := mixed(1, mixedPayload/4)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": mixedPayload})
	w := newWriter(t, name)
	p.send("read", args{"sizes": s, "n": n})
	s.write(t, watched(t), w, 0, n)
	require.Equal(t, n, p.recv().Frames)
	ring := p.call("oieb", nil)
	require.EqualValues(t, mixedPayload, ring.Free, "all space came back: %v", ring)
	require.EqualValues(t, n, w.FramesWritten())
}

func TestPythonWriterMixedFrames(t *testing.T) {
	n := mixedFrames()
	name := newName(t)
	s := mixed(2, mixedPayload/4)
	p := startPeer(t)
	r := newReader(t, name, mixedPayload)
	p.call("writer", args{"name": name})
	p.send("write", args{"sizes": s, "n": n})
	s.read(t, watched(t), r, 0, n)
	require.Equal(t, n, p.recv().Frames)
	require.EqualValues(t, n, r.FramesRead())
}

// Small rings wrap every few frames, at every place. Ours writes any frame that the ring can hold
// at all, up to 16 + n == payload_size.
func TestPythonReaderSmallRings(t *testing.T) {
	for _, payload := range []int{64, 192, 1024, 4096} {
		t.Run(fmt.Sprintf("ring-%d", payload), func(t *testing.T) {
			const n = 4000
			name := newName(t, pythonLeaves...)
			s := mixed(uint64(payload), payload-16)
			p := startPeer(t)
			p.call("reader", args{"name": name, "payload": payload})
			w := newWriter(t, name)
			p.send("read", args{"sizes": s, "n": n})
			s.write(t, watched(t), w, 0, n)
			require.Equal(t, n, p.recv().Frames)
		})
	}
}

// The peer's writer is given at most half of the ring: a larger frame that does not fit behind the
// write position never fits for it, whatever the reader does (contract, section 5).
func TestPythonWriterSmallRings(t *testing.T) {
	for _, payload := range []int{64, 192, 1024, 4096} {
		t.Run(fmt.Sprintf("ring-%d", payload), func(t *testing.T) {
			const n = 4000
			name := newName(t)
			s := mixed(uint64(payload), payload/2-16)
			p := startPeer(t)
			r := newReader(t, name, payload)
			p.call("writer", args{"name": name})
			p.send("write", args{"sizes": s, "n": n})
			s.read(t, watched(t), r, 0, n)
			require.Equal(t, n, p.recv().Frames)
		})
	}
}
