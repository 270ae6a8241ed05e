package ring

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// putFrame writes a frame of total bytes as a peer may, without any account.
func putFrame(seg layout.Segment, at, seq, total uint64) {
	layout.WriteSize(seg.Payload[at:], total-layout.HeaderSize)
	layout.WriteSeq(seg.Payload[at:], seq)
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A writer that goes on over what the reader holds makes no end of slots, and once the held frame
// has gone back reading goes on.
func TestConsumerHoldsNoMoreThanTheRing(t *testing.T) {
	const total, size = 32, 1024
	seg := newSegment(size)
	c := NewConsumer(seg, &sem{})
	c.Hurry(EachFrame)
	var first, it Item
	read := func(seq uint64, it *Item) error {
		at := (seq - 1) * total % size
		putFrame(seg, at, seq, total)
		seg.OIEB.WritePos.Store((at + total) % size)
		ok, err := c.Next(false, it)
		require.True(t, ok || err != nil)
		return err
	}
	require.NoError(t, read(1, &first))
	var err error
	seq := uint64(2)
	grown := allocated(func() {
		for ; err == nil && seq < 100_000; seq++ {
			if err = read(seq, &it); err == nil {
				c.Release(it.Ticket)
			}
		}
	})
	require.ErrorIs(t, err, ErrCorrupt)
	require.LessOrEqual(t, seq, uint64(2*minSlots), "two laps are enough to see it")
	require.Less(t, grown, uint64(1<<16))
	require.Equal(t, Due, c.Release(first.Ticket))
	require.Zero(t, c.GiveBack())
	ok, err := c.Next(false, &it)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, seq-1, it.Seq)
}

// A ring full of unfinished frames, which no writer leaves, is not remembered frame by frame.
func TestAttachRefusesManyUnfinishedFrames(t *testing.T) {
	const total, size = layout.HeaderSize + 1, 17 << 16
	for _, frames := range []uint64{batchMax, mostMarked, mostMarked + 1, size/total - 2} {
		seg := newSegment(size)
		putFrame(seg, 0, 1, total) // one that was read: at 0 it could be a start of a lap
		for i := uint64(1); i <= frames; i++ {
			putFrame(seg, i*total, i+1|layout.Unfinished, total)
		}
		seg.OIEB.ReadPos.Store(total)
		seg.OIEB.WritePos.Store((frames + 1) * total)
		p := NewProducer(seg, &sem{}, 0)
		var err error
		n := allocated(func() { _, err = p.Attach(true) })
		require.Less(t, n, uint64(1<<18), "%d frames", frames)
		if frames <= mostMarked {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, ErrCorrupt)
		last := layout.ReadHeader(seg.Payload[frames*total:])
		require.True(t, last.IsUnfinished(), "nothing was changed")
	}
}

// trickle is a semaphore that is full at first, and then has one token each time.
type trickle struct {
	sem
	states, takes int
}

func (s *trickle) State() (uint32, uint32) {
	if s.states++; s.states == 1 {
		return 1<<32 - 1, 0
	}
	return 1, 0
}

func (s *trickle) Take(limit uint32) uint32 { s.takes++; return min(limit, 1) }

func TestDropSurplusEndsOfChangingTokens(t *testing.T) {
	s := &trickle{}
	require.NoError(t, NewProducer(newSegment(192), s, 0).DropSurplus())
	require.LessOrEqual(t, s.takes, takeTries)
	require.Greater(t, s.takes, 1)
}

// loser is the sem-w of a foreign reader that loses space whenever the writer looks.
type loser struct {
	sem
	onState func()
	states  int
}

func (s *loser) State() (uint32, uint32) {
	s.states++
	s.onState()
	return 0, 1
}

// What was lost is looked for once in a call: a reader that loses it again and again would have the
// writer go deeper and deeper.
func TestOpenLooksForLostSpaceOnce(t *testing.T) {
	const size, total = 1024, 64
	seg := newSegment(size)
	s := &loser{onState: func() {}}
	p := NewProducer(seg, s, 0)
	_, err := p.Attach(true)
	require.NoError(t, err)
	for range 4 {
		b, err := p.Open(total - layout.HeaderSize)
		require.NoError(t, err)
		require.NotNil(t, b)
		require.NoError(t, p.Seal(total-layout.HeaderSize))
		require.NoError(t, p.Flush())
	}
	seg.OIEB.ReadPos.Store(4 * total) // all were read and, but for what is lost, given back
	lost := 0
	s.onState = func() {
		if s.states%2 == 1 { // the look whether the ring is drained, not that for what is lost
			if lost++; lost > 10_000 {
				panic("there is no end")
			}
			seg.OIEB.PayloadFree.Store(size - 3*total - 32)
		}
	}
	s.states = 0
	b, err := p.Open(size - 2*layout.HeaderSize)
	require.NoError(t, err)
	require.Nil(t, b)
	require.LessOrEqual(t, lost, 4)
	require.GreaterOrEqual(t, lost, 2, "it was looked for")
}

// Whether equal positions mean a full ring is found out without a walk over all of it: with a chain
// of the smallest frames that would take seconds for a gigabyte, at each look of a read.
func TestFullRingIsRecognisedByItsFirstFrames(t *testing.T) {
	const total, size = 64, 1 << 20
	for broken, want := range map[uint64]bool{1: false, 2: false, chainEnough + 1: true} {
		seg := newSegment(size)
		for i := range uint64(size / total) {
			putFrame(seg, i*total, i+1, total)
		}
		putFrame(seg, broken*total, 77_777, total)
		seg.OIEB.PayloadFree.Store(0)
		var it Item
		ok, err := NewConsumer(seg, &sem{}).Next(false, &it)
		require.NoError(t, err)
		require.Equal(t, want, ok, "broken at %d", broken)
	}
}

// A reader that breaks the chain of frames has them counted a few times, and not at each call.
func TestSettleGivesUpBrokenChain(t *testing.T) {
	const total = 64
	seg := newSegment(1024)
	for i := range uint64(4) {
		putFrame(seg, i*total, i+1, total)
	}
	seg.OIEB.WritePos.Store(4 * total)
	p := NewProducer(seg, &sem{waiters: 1}, 0)
	_, err := p.Attach(true)
	require.NoError(t, err)
	require.True(t, p.Unsettled())
	putFrame(seg, total, 77, total)
	for range settleTries {
		require.True(t, p.Unsettled())
		require.NoError(t, p.Settle())
	}
	require.False(t, p.Unsettled())
}
