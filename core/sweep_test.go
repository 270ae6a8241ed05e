package zerobuffer_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// sweepRings are rings so small that every offset and every size can be tried.
var sweepRings = map[string]int{"ring=64": 64, "ring=128": 128, "ring=192": 192}

// TestWriterAnySizeAtAnyOffset brings a writer to every offset that a frame can end at, and writes
// a frame of every size there: with the ring drained at once, else as soon as it is drained.
func TestWriterAnySizeAtAnyOffset(t *testing.T) {
	t.Parallel()
	for name, size := range sweepRings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{PayloadSize: int64(size)},
				zerobuffer.WriterOptions{})
			s, step := sweep{g: g, most: size - 16}, 1
			if raceEnabled {
				step = 7 // it is slow then, and there is nothing to race with
			}
			for first := 1; first <= s.most; first++ {
				for n := 1 + first%step; n <= s.most; n += step {
					s.round(t, first, n, true)
					s.round(t, first, n, false)
				}
			}
		})
	}
}

type sweep struct {
	g    *rig
	most int
	seq  uint64
}

// round writes a frame of first bytes at offset 0, and one of n bytes behind it.
func (s *sweep) round(t *testing.T, first, n int, drained bool) {
	s.mustWrite(t, s.most) // takes the writer back to offset 0
	s.mustRead(t, s.most)
	s.mustWrite(t, first)
	if drained {
		s.mustRead(t, first)
		s.mustWrite(t, n)
	} else {
		ok := s.write(t, n)
		s.mustRead(t, first)
		if !ok {
			s.mustWrite(t, n)
		}
	}
	s.mustRead(t, n)
	if free := s.g.r.Stats().PayloadFree; free != uint64(s.most+16) {
		t.Fatalf("first=%d n=%d: %d bytes are free in the end", first, n, free)
	}
}

func (s *sweep) write(t *testing.T, n int) bool {
	ok, err := s.g.w.TryWriteFrame(bytes.Repeat([]byte{byte(n)}, n))
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func (s *sweep) mustWrite(t *testing.T, n int) {
	if !s.write(t, n) {
		o := s.g.oieb()
		t.Fatalf("no room for %d bytes: read_pos %d, write_pos %d, free %d",
			n, o.ReadPos.Load(), o.WritePos.Load(), o.PayloadFree.Load())
	}
}

func (s *sweep) mustRead(t *testing.T, n int) {
	f, ok, err := s.g.r.TryReadFrame()
	if !ok || err != nil {
		t.Fatalf("no frame of %d bytes came: %v", n, err)
	}
	s.seq++
	b := f.Bytes()
	if len(b) != n || b[0] != byte(n) || b[n-1] != byte(n) || f.Sequence() != s.seq {
		t.Fatalf("frame %d of %d bytes came as %d of %d", s.seq, n, f.Sequence(), len(b))
	}
	f.Release()
}

// TestWriterLeavesNoBadTail writes sizes that would leave a tail of 1 to 15 bytes: readers of other
// languages are lost there, so no frame may end there while another follows in the lap.
func TestWriterLeavesNoBadTail(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, 20, 33, 50, 61, 62, 75, 90, 99, 110} {
		g := newRig(t, zerobuffer.ReaderOptions{PayloadSize: 128}, zerobuffer.WriterOptions{})
		for i := range 300 {
			ok, err := g.w.TryWriteFrame(make([]byte, min(112, n+i%3)))
			require.NoError(t, err)
			tail := 128 - g.oieb().WritePos.Load()
			bad := tail > 0 && tail < 16
			if fits := n+i%3+16 <= 112; bad && fits {
				t.Fatalf("a tail of %d bytes behind a frame of %d", tail, n+i%3)
			}
			if !ok || i%2 == 1 {
				if f, ok, _ := g.r.TryReadFrame(); ok {
					f.Release()
				}
			}
		}
	}
}
