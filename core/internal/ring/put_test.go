package ring

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// TestPut goes through all that keeps a frame from simply going behind the last one. Put leaves
// each of them to Open, and changes nothing.
func TestPut(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *Producer)
		n      int
		want   bool
	}{
		"usual":            {func(*Producer) {}, 24, true},
		"was full":         {func(w *Producer) { w.full = true }, 24, true},
		"empty":            {func(*Producer) {}, 0, false},
		"start of a lap":   {func(w *Producer) { w.pos = 0 }, 24, false},
		"no room":          {func(w *Producer) { w.room = 39 }, 24, false},
		"just room":        {func(w *Producer) { w.room = 40 }, 24, true},
		"end of the lap":   {func(w *Producer) { w.nearEnd = 79 }, 24, false},
		"look is due":      {func(w *Producer) { w.nextLook = 40 }, 24, false},
		"another is at 0":  {func(w *Producer) { w.anchored = true }, 24, false},
		"tokens are wrong": {func(w *Producer) { w.unsettled = true }, 24, false},
		"full batch":       {func(w *Producer) { w.sealed.n = batchMax - 1 }, 24, false},
	} {
		seg := newSegment(256)
		w := NewProducer(seg, &sem{}, 0)
		putFirst(t, w, false, 24)
		c.change(w)
		before, was := bytes.Clone(seg.Payload), *w
		require.Equal(t, c.want, w.Put(make([]byte, c.n)), name)
		if c.want {
			require.True(t, layout.ReadHeader(seg.Payload[40:]).IsUnfinished(), name)
			require.False(t, w.full, name)
		} else {
			require.Equal(t, before, seg.Payload, name)
			require.Equal(t, was, *w, name)
		}
	}
}

// putFirst attaches a Producer, which publishes a frame of n bytes at 0 and then knows how much
// room there is.
func putFirst(t *testing.T, w *Producer, foreign bool, n uint64) {
	t.Helper()
	_, err := w.Attach(foreign)
	require.NoError(t, err)
	fill(t, w, make([]byte, n))
	require.NoError(t, w.refresh())
}

// putSide is a ring with both sides, and tokens of its own.
type putSide struct {
	seg          layout.Segment
	ready, space sem
	w            *Producer
	r            *Consumer
}

func newPutSide(t *testing.T, size uint64, lap int64, foreign bool, first uint64) *putSide {
	t.Helper()
	s := &putSide{seg: newSegment(size)}
	s.w, s.r = NewProducer(s.seg, &s.ready, lap), NewConsumer(s.seg, &s.space)
	putFirst(t, s.w, foreign, first)
	return s
}

// known is all that a putSide has and knows, without what belongs to one of them.
func (s *putSide) known() any {
	w := *s.w
	w.view, w.ready, w.pace = view{}, nil, pace{}
	w.open = opened{} // Put has no need of it
	return []any{s.seg, s.ready, s.space, w}
}

// TestPutIsOpenAndSeal writes the same frames with Put and without, and looks at all that both
// rings have and all that their Producers know after each.
func TestPutIsOpenAndSeal(t *testing.T) {
	put := 0
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		size := uint64(64*4) << rnd.IntN(12)
		most := min(size/4, 16<<10)
		lap, foreign := int64(rnd.Uint64N(size)), rnd.IntN(2) == 0
		first := 1 + rnd.Uint64N(most)
		with := newPutSide(t, size, lap, foreign, first)
		without := newPutSide(t, size, lap, foreign, first)
		for range 100 {
			frame := make([]byte, 1+rnd.Uint64N(most))
			for i := range frame {
				frame[i] = byte(rnd.Uint32())
			}
			if with.w.Put(frame) {
				put++
			} else {
				fill(t, with.w, frame)
			}
			fillLong(t, without.w, frame)
			flush, read := rnd.IntN(4) == 0, rnd.IntN(2) == 0
			for _, s := range []*putSide{with, without} {
				if flush {
					require.NoError(t, s.w.Flush())
				}
				if read {
					readOne(t, s)
				}
			}
			require.Equal(t, without.known(), with.known(), "seed %d", seed)
		}
	}
	require.Greater(t, put, 1000)
}

// fill writes a frame without Put, unless there is no room.
func fill(t *testing.T, w *Producer, frame []byte) {
	t.Helper()
	b, err := w.Open(uint64(len(frame)))
	require.NoError(t, err)
	if b != nil {
		copy(b, frame)
		require.NoError(t, w.Seal(uint64(len(frame))))
	}
}

// fillLong is fill in the long way, which findPlace knows as well.
func fillLong(t *testing.T, w *Producer, frame []byte) {
	t.Helper()
	total := layout.HeaderSize + uint64(len(frame))
	if !w.straight(total) {
		fill(t, w, frame)
		return
	}
	pl, ok, err := w.findPlace(total)
	require.NoError(t, err)
	require.True(t, ok)
	copy(w.begin(pl, total), frame)
	require.NoError(t, w.Seal(uint64(len(frame))))
}

// readOne reads a frame, if there is one, and gives it back.
func readOne(t *testing.T, s *putSide) {
	t.Helper()
	if s.ready.Take(1) == 0 {
		return
	}
	var it Item
	ok, err := s.r.Next(false, &it)
	require.NoError(t, err)
	require.True(t, ok)
	s.r.Release(it.Slot, it.Gen)
	s.r.GiveBack()
}

// TestAbandonedAtStart gives up a frame that would have gone to 0, where its mark stays. So the
// next frame goes there as well, although there is room behind the last one.
func TestAbandonedAtStart(t *testing.T) {
	seg := newSegment(256)
	w, r := NewProducer(seg, &sem{}, 0), NewConsumer(seg, &sem{})
	_, err := w.Attach(false)
	require.NoError(t, err)
	var it Item
	for range 2 {
		b, err := w.Open(84)
		require.NoError(t, err)
		require.NotNil(t, b)
		require.NoError(t, w.Seal(84))
		require.NoError(t, w.Flush())
	}
	_, err = r.Next(false, &it)
	require.NoError(t, err)
	r.Release(it.Slot, it.Gen)
	r.GiveBack()
	b, err := w.Open(60)
	require.NoError(t, err)
	require.NotNil(t, b)
	require.Zero(t, w.open.at)
	w.Abandon()
	require.False(t, w.Put(make([]byte, 10)))
	b, err = w.Open(10)
	require.NoError(t, err)
	require.NotNil(t, b)
	require.Zero(t, w.open.at)
}
