package ring

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// aheadSides are both sides of a ring with frames of 84 payload bytes, the first two of which the
// reader has given back. It holds the third.
type aheadSides struct {
	seg  layout.Segment
	w    *Producer
	r    *Consumer
	held []Item
}

func newAheadSides(t *testing.T) *aheadSides {
	t.Helper()
	s := &aheadSides{seg: newSegment(1024)}
	s.w, s.r = NewProducer(s.seg, &sem{}, 0), NewConsumer(s.seg, &sem{})
	_, err := s.w.Attach(false)
	require.NoError(t, err)
	for range 3 {
		s.drain()
		s.write(t, 84)
		s.read(t)
	}
	return s
}

// open opens a frame of n bytes and fills it.
func (s *aheadSides) open(t *testing.T, n uint64) {
	t.Helper()
	b, err := s.w.Open(n)
	require.NoError(t, err)
	require.Len(t, b, int(n))
	for i := range b {
		b[i] = pattern(s.w.seq, i)
	}
}

func (s *aheadSides) write(t *testing.T, n uint64) {
	t.Helper()
	s.open(t, n)
	require.NoError(t, s.w.Seal(n))
	require.NoError(t, s.w.Flush())
}

func (s *aheadSides) read(t *testing.T) (it Item) {
	t.Helper()
	ok, err := s.r.Next(false, &it)
	require.NoError(t, err)
	require.True(t, ok)
	for i, c := range s.r.Payload(it) {
		require.Equal(t, pattern(it.Seq, i), c, "byte %d of frame %d", i, it.Seq)
	}
	s.held = append(s.held, it)
	return it
}

// drain has the reader give back what it holds.
func (s *aheadSides) drain() {
	for _, it := range s.held {
		s.r.Release(it.Ticket)
	}
	s.held = nil
	s.r.GiveBack()
}

// end checks what a writer finds that comes when everything was given back.
func (s *aheadSides) end(t *testing.T, sequence uint64) {
	t.Helper()
	s.drain()
	rec, err := NewProducer(s.seg, &sem{}, 0).Attach(false)
	require.NoError(t, err)
	require.Equal(t, Recovery{Sequence: sequence}, rec)
}

func TestAheadBeginsLap(t *testing.T) {
	s := newAheadSides(t)
	require.NoError(t, s.w.planAhead(100))
	s.open(t, 84)
	require.EqualValues(t, 300, s.seg.OIEB.WritePos.Load())
	require.True(t, layout.ReadHeader(s.seg.Payload).IsUnfinished())
	s.drain()
	require.NoError(t, s.w.Seal(84))
	require.EqualValues(t, 100, s.seg.OIEB.WritePos.Load())
	require.EqualValues(t, 0, s.seg.OIEB.ReadPos.Load())
	require.EqualValues(t, 4, s.read(t).Seq)
	s.end(t, 4)
}

// TestAheadMoves is about a reader that goes on holding a frame, and a writer that goes on or not.
func TestAheadMoves(t *testing.T) {
	for _, size := range []uint64{104, 103, 1} {
		for _, more := range []uint64{0, 1} {
			s := newAheadSides(t)
			require.NoError(t, s.w.planAhead(120))
			s.open(t, 104)
			require.NoError(t, s.w.Seal(size))
			require.NoError(t, s.w.Flush())
			require.Equal(t, 316+size, s.seg.OIEB.WritePos.Load())
			it := s.read(t)
			require.EqualValues(t, 4, it.Seq)
			require.Len(t, s.r.Payload(it), int(size))
			if more != 0 {
				s.write(t, 10)
				require.Equal(t, 342+size, s.seg.OIEB.WritePos.Load(), "the lap goes on")
				s.read(t)
			}
			s.end(t, 4+more)
		}
	}
}

// TestAheadGivenUp is about frames that come to nothing, also if nobody says so, and about a writer
// that goes on or not.
func TestAheadGivenUp(t *testing.T) {
	for _, told := range []bool{true, false} {
		for _, more := range []uint64{0, 1} {
			s := newAheadSides(t)
			require.NoError(t, s.w.planAhead(120))
			s.open(t, 104)
			if told {
				before := slices.Clone(s.seg.Payload)
				s.w.Abandon()
				require.Equal(t, before, s.seg.Payload, "another writer may be there")
			}
			if more != 0 {
				s.write(t, 20)
				require.EqualValues(t, 336, s.seg.OIEB.WritePos.Load(), "the lap goes on")
				s.read(t)
			}
			s.end(t, 3+more)
		}
	}
}

// TestAheadAgain plans another frame after one that came to nothing.
func TestAheadAgain(t *testing.T) {
	s := newAheadSides(t)
	for range 2 {
		require.NoError(t, s.w.planAhead(120))
		require.Equal(t, ahead{total: 120, end: 200, last: 2}, s.w.ahead)
		s.open(t, 104)
		s.w.Abandon()
	}
}

// TestAheadKilled has the next writer go on while the reader holds frames, of which it gives none
// back until more have come, or when everything has come back.
func TestAheadKilled(t *testing.T) {
	for _, drained := range []bool{false, true} {
		s := newAheadSides(t)
		require.NoError(t, s.w.planAhead(120))
		s.open(t, 104)
		at := uint64(300)
		if drained {
			s.drain()
			at = 0
		}
		s.w = NewProducer(s.seg, &sem{}, 0)
		_, err := s.w.Attach(false)
		require.NoError(t, err)
		for range 3 {
			s.write(t, 150)
			s.read(t)
		}
		require.Equal(t, at+3*166, s.seg.OIEB.WritePos.Load())
		s.end(t, 6)
	}
}

// TestAheadCopiesFrame is about a frame that is shorter than what was reserved for it.
func TestAheadCopiesFrame(t *testing.T) {
	s := newAheadSides(t)
	require.NoError(t, s.w.planAhead(120))
	s.open(t, 104)
	require.NoError(t, s.w.Seal(1))
	require.Equal(t, make([]byte, 103), s.seg.Payload[317:420])
}

// TestAheadRefused is about frames that have to go where others do.
func TestAheadRefused(t *testing.T) {
	for name, c := range map[string]struct {
		total  uint64
		change func(s *aheadSides)
	}{
		"held":             {201, nil},
		"no room straight": {100, func(s *aheadSides) { s.w.pos = 940 }},
		"no good end":      {100, func(s *aheadSides) { s.w.pos = 1024 - 100 - 8 }},
		"broken chain":     {100, func(s *aheadSides) { layout.WriteSize(s.seg.Payload, 1000) }},
		"marker":           {100, func(s *aheadSides) { clear(s.seg.Payload[:layout.HeaderSize]) }},
		"marked": {100, func(s *aheadSides) {
			layout.WriteSeq(s.seg.Payload, layout.Unfinished)
		}},
	} {
		s := newAheadSides(t)
		if c.change != nil {
			c.change(s)
		}
		require.NoError(t, s.w.planAhead(c.total), name)
		require.Zero(t, s.w.ahead, name)
	}
}

// TestAheadPlanEnds is about a frame of another size, which goes where it would have gone.
func TestAheadPlanEnds(t *testing.T) {
	s := newAheadSides(t)
	require.NoError(t, s.w.planAhead(100))
	require.NotZero(t, s.w.ahead)
	s.open(t, 83)
	require.False(t, layout.ReadHeader(s.seg.Payload).IsUnfinished())
	require.NoError(t, s.w.Seal(83))
	require.NoError(t, s.w.Flush())
	require.EqualValues(t, 399, s.seg.OIEB.WritePos.Load())
	require.Zero(t, s.w.ahead)
}

func TestAheadCorrupt(t *testing.T) {
	s := newAheadSides(t)
	s.seg.OIEB.ReadPos.Store(1025)
	require.ErrorIs(t, s.w.planAhead(100), ErrCorrupt)
}
