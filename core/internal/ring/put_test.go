package ring

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// TestPut goes through all that keeps a frame from simply going behind the last one. Put leaves
// each of them to Open, and changes nothing.
func TestPut(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(w *Producer)
		n         int
		want, now bool // sealed, and published at once
	}{
		"usual":            {func(*Producer) {}, 24, true, true},
		"was full":         {func(w *Producer) { w.full = true }, 24, true, true},
		"empty":            {func(*Producer) {}, 0, false, false},
		"start of a lap":   {func(w *Producer) { w.pos = 0 }, 24, false, false},
		"no room":          {func(w *Producer) { w.room = 39 }, 24, false, false},
		"just room":        {func(w *Producer) { w.room = 40 }, 24, true, true},
		"end of the lap":   {func(w *Producer) { w.nearEnd = 79 }, 24, false, false},
		"look is due":      {func(w *Producer) { w.nextLook = 40 }, 24, false, false},
		"another is at 0":  {func(w *Producer) { w.anchored = true }, 24, false, false},
		"tokens are wrong": {func(w *Producer) { w.unsettled = true }, 24, false, false},
		"others before it": {func(w *Producer) { w.sealed.n = 1 }, 24, true, false},
		"full batch":       {func(w *Producer) { w.sealed.n = batchMax - 1 }, 24, false, false},
	} {
		for now, want := range map[bool]bool{false: c.want, true: c.now} {
			seg, ready := newSegment(256), &sem{}
			w := NewProducer(seg, ready, 0)
			putFirst(t, w, false, 24)
			c.change(w)
			before, was := bytes.Clone(seg.Payload), *w
			done, err := putEither(w, make([]byte, c.n), now)
			require.NoError(t, err, name)
			require.Equal(t, want, done, "%s: now %v", name, now)
			if !done {
				require.Equal(t, before, seg.Payload, name)
				require.Equal(t, was, *w, name)
				continue
			}
			require.Equal(t, !now, layout.ReadHeader(seg.Payload[40:]).IsUnfinished(), name)
			require.False(t, w.full, name)
			tokens, _ := ready.State()
			require.Equal(t, now, tokens == 2, name)
		}
	}
}

// putEither writes a frame in one of the short ways, if it can go there.
func putEither(w *Producer, frame []byte, now bool) (bool, error) {
	if now {
		return w.Put(frame)
	}
	return w.PutSealed(frame), nil
}

// A post that fails leaves the frame published, and tells it.
func TestPutNowToldOfFailure(t *testing.T) {
	seg := newSegment(256)
	w := NewProducer(seg, &sem{}, 0)
	putFirst(t, w, false, 24)
	broken := errors.New("no more of these")
	w.ready = failing{w.ready, broken}
	done, err := w.Put(make([]byte, 24))
	require.True(t, done)
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, err, ErrCorrupt)
	require.EqualValues(t, 80, seg.OIEB.WritePos.Load())
}

// failing is tokens that cannot be posted.
type failing struct {
	Tokens
	err error
}

func (f failing) Post(uint32) error { return f.err }

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
	w.open = opened{}               // Put has no need of it
	clear(w.sealed.at[w.sealed.n:]) // of batches before
	return []any{s.seg, s.ready, s.space, w}
}

// TestPutIsOpenAndSeal writes the same frames with Put and without, and looks at all that both
// rings have and all that their Producers know after each.
func TestPutIsOpenAndSeal(t *testing.T) {
	put, now := 0, 0
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
			flush, read := rnd.IntN(4) == 0, rnd.IntN(2) == 0
			done, err := putEither(with.w, frame, flush)
			require.NoError(t, err)
			switch {
			case !done:
				fill(t, with.w, frame)
			case flush:
				now++
			default:
				put++
			}
			fillLong(t, without.w, frame)
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
	require.Greater(t, now, 200)
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
	s.r.Release(it.Ticket)
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
	r.Release(it.Ticket)
	r.GiveBack()
	b, err := w.Open(60)
	require.NoError(t, err)
	require.NotNil(t, b)
	require.Zero(t, w.open.at)
	w.Abandon()
	done, err := w.Put(make([]byte, 10))
	require.NoError(t, err)
	require.False(t, done)
	b, err = w.Open(10)
	require.NoError(t, err)
	require.NotNil(t, b)
	require.Zero(t, w.open.at)
}
