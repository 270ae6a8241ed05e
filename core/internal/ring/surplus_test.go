package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// poster is a semaphore that hands tokens out few by few, while a peer posts as many again.
type poster struct {
	sem
	t     *testing.T
	takes int
}

func (p *poster) Take(limit uint32) uint32 {
	if p.takes++; p.takes > 1000 {
		p.t.Fatal("tokens are taken as long as they are posted")
	}
	n := p.sem.Take(min(limit, 3))
	require.NoError(p.t, p.Post(n))
	return n
}

// A peer that posts all the time does not keep a writer from attaching.
func TestDropSurplusEnds(t *testing.T) {
	s := &poster{sem: sem{tokens: 10}, t: t}
	require.NoError(t, NewProducer(newSegment(256), s, 0).DropSurplus())
	require.Equal(t, 4, s.takes, "10 tokens, 3 at most a call")
}

// A semaphore that hands tokens out few by few is emptied but for those of unread frames.
func TestDropSurplusInSteps(t *testing.T) {
	s := &few{sem{tokens: 10}}
	require.NoError(t, NewProducer(newSegment(256), s, 0).DropSurplus())
	require.Zero(t, s.tokens)
}

type few struct{ sem }

func (f *few) Take(limit uint32) uint32 { return f.sem.Take(min(limit, 3)) }

// A foreign reader that holds a frame leaves positions that are equal and a ring that is not free,
// as a full ring would. The surplus token must go all the same: that reader would take old bytes
// for a frame.
func TestDropSurplusBesideHeldFrame(t *testing.T) {
	seg, data := newSegment(256), &sem{}
	for seq := range uint64(4) {
		foreignWrite(seg, data, seq+1, 48)
	}
	data.Take(4)
	o := seg.OIEB
	o.ReadPos.Store(0)       // all are read,
	o.PayloadFree.Store(192) // and the last one is held
	require.NoError(t, data.Post(1))
	require.NoError(t, NewProducer(seg, data, 0).DropSurplus())
	require.Zero(t, data.tokens)
}
