package ring

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Numbers and counts go on beyond 32 bits, and counts through 0, in front of our reader and of a
// strict foreign one. Writers are killed before, at and after the limits, between any two calls,
// and the next one has to find out the number of the last frame.
func TestNumbersBeyond32Bits(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		for _, first := range []uint64{1<<32 - 3, 1<<48 - 3, 1<<62 - 3} {
			for _, count := range []uint64{1<<32 - 3, 1<<63 - 3, math.MaxUint64 - 3} {
				t.Run(fmt.Sprintf("foreign=%v/first=%d/count=%d", foreign, first, count),
					func(t *testing.T) {
						for seed := range uint64(200) {
							newBeyond(t, first, count, foreign).run(seed)
						}
					})
			}
		}
	}
}

// beyond is a ring whose last frame has a large number.
type beyond struct {
	t           *testing.T
	seg         layout.Segment
	data, space *sem
	rd          reader
	p           *Producer
	next        uint64 // number of the frame that is read next
	written     uint64 // number of the last frame that was published
}

func newBeyond(t *testing.T, first, count uint64, foreign bool) *beyond {
	b := &beyond{t: t, seg: newSegment(256), data: &sem{}, space: &sem{}, next: first}
	b.written = first - 1
	c := NewConsumer(b.seg, b.space)
	strict := newStrictReader(b.seg, b.data, b.space)
	foreignWrite(b.seg, b.data, b.written, 40)
	require.EqualValues(t, 1, b.data.Take(1))
	o := b.seg.OIEB
	o.ReadPos.Store(o.WritePos.Load())
	o.PayloadFree.Store(256)
	o.WrittenCount.Store(count)
	o.ReadCount.Store(count)
	c.expected, c.readCount, c.pos = first, count, o.ReadPos.Load()
	c.published.Store(c.pos)
	strict.expected = first
	b.rd = &ourReader{c: c, data: b.data}
	if foreign {
		b.rd = strict
	}
	b.attach()
	return b
}

// attach connects a new writer. The one before was killed between two calls, so it leaves only
// frames whose accounts are settled, or none at all.
func (b *beyond) attach() {
	b.p = NewProducer(b.seg, b.data, 0)
	rec, err := b.p.Attach(b.rd.foreign())
	require.NoError(b.t, err)
	require.Equal(b.t, b.written, rec.Sequence)
}

func (b *beyond) run(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 40 {
		switch rng.IntN(6) {
		case 0:
			b.attach()
		case 1, 2:
			b.read()
		default:
			b.write(rng)
		}
	}
	for b.next <= b.written {
		b.read()
	}
}

// write writes a frame if there is room, or is killed after any of the calls that it takes.
func (b *beyond) write(rng *rand.Rand) {
	n := 1 + rng.IntN(60)
	buf, err := b.p.Open(uint64(n))
	require.NoError(b.t, err)
	if buf == nil {
		return
	}
	for j := range buf {
		buf[j] = pattern(b.written+1, j)
	}
	if rng.IntN(8) == 0 {
		b.attach()
		return
	}
	require.NoError(b.t, b.p.Seal(uint64(n)))
	if !b.published() && rng.IntN(8) == 0 {
		b.attach()
		return
	}
	require.NoError(b.t, b.p.Flush())
	b.written++
}

// published tells whether Seal has done the work of Flush, as it does with the frame at 0.
func (b *beyond) published() bool { return b.p.sealed.n == 0 }

// read takes the next frame and gives it back.
func (b *beyond) read() {
	for range 10 { // a strict reader takes several steps for a frame
		f, err := b.rd.read()
		require.NoError(b.t, err)
		if f == nil {
			continue
		}
		require.Equal(b.t, b.next, f.seq)
		b.next++
		b.rd.release(f)
		return
	}
	require.Greater(b.t, b.next, b.written, "a frame is missing")
}
