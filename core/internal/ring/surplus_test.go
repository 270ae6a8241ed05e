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
