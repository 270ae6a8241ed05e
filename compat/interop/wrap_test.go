//go:build linux

package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// In these tests a lap is eight frames in a ring of 2 KiB: seven of lapFrame bytes and one that
// ends as many bytes before the end of the ring as the case says.
const (
	wrapPayload = 2048
	lapFrame    = 251 - layout.HeaderSize
	wrapFrames  = 5 * 8
	lastTail    = 40
)

// lap returns the sizes of frames after which tail bytes are left at the end of the ring.
func lap(tail int) sizes {
	last := wrapPayload - 7*(lapFrame+layout.HeaderSize) - tail - layout.HeaderSize
	s := fixed(lapFrame, lapFrame, lapFrame, lapFrame, lapFrame, lapFrame, lapFrame, last)
	return s
}

// tails follows the frames from where each of them ended, and returns what each wrap left behind
// at the end of the ring. An end of 0 is the end of the ring, folded.
func tails(t *testing.T, s sizes, ends []uint64) map[int]int {
	t.Helper()
	found := map[int]int{}
	before := 0
	for i, end := range ends {
		after := int(end)
		if after == 0 {
			after = wrapPayload
		}
		switch start := after - layout.HeaderSize - s.of(i); start {
		case before:
		case 0:
			found[wrapPayload-before]++
		default:
			t.Fatalf("frame %d starts at %d, the one before it ended at %d", i, start, before)
		}
		before = after
	}
	return found
}

// Ours never leaves a tail of 1..15 bytes, which has no room for a marker: the frame that would
// leave it wraps early (contract, section 5). Any other tail is a plain marker.
func TestPythonReaderWrapRemainders(t *testing.T) {
	p := startPeer(t)
	for tail := range lastTail + 1 {
		t.Run(fmt.Sprintf("tail-%d", tail), func(t *testing.T) {
			p.within(t, func() { writeTail(t, p, tail) })
		})
	}
}

// writeTail stays two frames ahead of the peer, so that the ring is never empty and the writer has
// no reason to start again at 0.
func writeTail(t *testing.T, p *peer, tail int) {
	name := newName(t, pythonLeaves...)
	p.call("reader", args{"name": name, "payload": wrapPayload})
	w, ring := newWriter(t, name), view(t, name)
	s, ctx := lap(tail), watched(t)
	var ends []uint64
	for i := range wrapFrames {
		before := ring.OIEB.WritePos.Load()
		s.write(t, ctx, w, i, 1)
		checkMarker(t, ring, s.of(i), before)
		if i >= 2 {
			read := p.call("read", args{"sizes": s, "n": 1, "first": i - 2})
			ends = append(ends, read.Ends...)
		}
	}
	p.call("close_reader", nil)
	found := tails(t, s, ends)
	require.NotEmpty(t, found)
	for bad := 1; bad < layout.HeaderSize; bad++ {
		require.Zero(t, found[bad], "a wrap left %d bytes: %v", bad, found)
	}
	if tail == 0 || tail >= layout.HeaderSize {
		require.NotZero(t, found[tail], "no wrap left %d bytes: %v", tail, found)
	}
}

// checkMarker looks for the marker at the place that the writer has just left, if it wrapped.
func checkMarker(t *testing.T, ring layout.Segment, size int, before uint64) {
	t.Helper()
	wrapped := ring.OIEB.WritePos.Load() == uint64(layout.HeaderSize+size)
	if !wrapped || before == 0 || before == wrapPayload {
		return
	}
	header := layout.ReadHeader(ring.Payload[before:])
	require.True(t, header.IsWrap(), "no wrap marker at %d: %+v", before, header)
}

// The peer's writer leaves any tail. Those of 1..15 bytes carry no marker, only old bytes: they
// are an implicit wrap for ours. The peer's own reader raises at each of them for ever.
func TestPythonWriterWrapRemainders(t *testing.T) {
	p := startPeer(t)
	for tail := range lastTail + 1 {
		t.Run(fmt.Sprintf("tail-%d", tail), func(t *testing.T) {
			p.within(t, func() {
				name := newName(t)
				r := newReader(t, name, wrapPayload)
				s := lap(tail)
				p.call("writer", args{"name": name})
				p.send("write", args{"sizes": s, "n": wrapFrames})
				s.read(t, watched(t), r, 0, wrapFrames)
				found := tails(t, s, p.recv().Ends)
				p.call("close_writer", nil)
				require.Equal(t, map[int]int{tail: wrapFrames/8 - 1}, found)
			})
		})
	}
}

// A frame that ends exactly at the end of the ring leaves write_pos == payload_size (write_frame)
// or 0 (commit_frame). With everything read, read_pos must not be folded to 0: the peer's
// write_frame would raise for ever (contract 4.4).
func TestPythonWriterEndsExactlyAtTheEnd(t *testing.T) {
	for _, zeroCopy := range []bool{false, true} {
		t.Run(fmt.Sprintf("zero-copy-%v", zeroCopy), func(t *testing.T) {
			name := newName(t)
			p := startPeer(t)
			r := newReader(t, name, wrapPayload)
			s, ctx := lap(0), watched(t)
			p.call("writer", args{"name": name})
			for i := range wrapFrames {
				p.call("write", args{"sizes": s, "n": 1, "first": i, "zero_copy": zeroCopy})
				s.read(t, ctx, r, i, 1)
			}
		})
	}
}
