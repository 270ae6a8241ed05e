//go:build zbsteps

package ring

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// paths walks depth first over all sequences of decisions. A run is played from its beginning and
// asks pick at each decision: first it gets what the run before it got, then the one that has not
// been tried, and 0 from there on.
type paths struct {
	chosen []choice
	at     int
	seen   map[uint64]struct{} // states from which everything was tried, or is being tried
}

// choice is one decision: now of the numbers below of.
type choice struct{ now, of int }

func newPaths() *paths { return &paths{seen: map[uint64]struct{}{}} }

// replay returns the paths whose next run takes the decisions that a counterexample has printed.
func replay(decisions string) *paths {
	p := newPaths()
	for _, c := range decisions {
		p.chosen = append(p.chosen, choice{now: int(c - '0')})
	}
	return p
}

// pick decides between of possibilities.
func (p *paths) pick(of int) int {
	if p.at == len(p.chosen) {
		p.chosen = append(p.chosen, choice{of: of})
	}
	c := p.chosen[p.at]
	if c.of == 0 { // from replay
		p.chosen[p.at].of, c.of = of, of
	}
	if c.of != of {
		panic(fmt.Sprintf("decision %d has %d possibilities and had %d: a run is not a function of "+
			"its decisions", p.at, of, c.of))
	}
	p.at++
	return c.now
}

// known tells whether another run has come to the same state, so that this one can end. While
// decisions are repeated nothing is known.
func (p *paths) known(state uint64) bool {
	if p.at < len(p.chosen) {
		return false
	}
	if _, ok := p.seen[state]; ok {
		return true
	}
	p.seen[state] = struct{}{}
	return false
}

// next prepares the next run, and returns false if there is none.
func (p *paths) next() bool {
	for n := len(p.chosen); n > 0; n-- {
		if c := &p.chosen[n-1]; c.now+1 < c.of {
			c.now++
			p.chosen, p.at = p.chosen[:n], 0
			return true
		}
	}
	return false
}

// String is the decisions of the run, for a counterexample.
func (p *paths) String() string {
	var b strings.Builder
	for _, c := range p.chosen {
		fmt.Fprint(&b, c.now)
	}
	return b.String()
}

// hash mixes words into a state; equal hashes of different states would hide some runs.
type hash uint64

func (h *hash) add(words ...uint64) {
	x := uint64(*h)
	for _, w := range words {
		x = (x ^ w) * 0x9e3779b97f4a7c15
		x ^= x >> 29
	}
	*h = hash(x)
}

func (h *hash) text(s string) {
	for i := range len(s) {
		h.add(uint64(s[i]))
	}
}

func (h *hash) flag(b ...bool) {
	for _, v := range b {
		if v {
			h.add(1)
		} else {
			h.add(2)
		}
	}
}

// TestPathsTryEverything decides three times, the last time only on one of the ways.
func TestPathsTryEverything(t *testing.T) {
	play := func(p *paths) (way string) {
		way = fmt.Sprint(p.pick(2), p.pick(3))
		if way == "1 0" {
			way += fmt.Sprint(" ", p.pick(2))
		}
		return way
	}
	var ways []string
	p := newPaths()
	for more := true; more; more = p.next() {
		ways = append(ways, play(p))
	}
	require.Equal(t, []string{"0 0", "0 1", "0 2", "1 0 0", "1 0 1", "1 1", "1 2"}, ways)
	require.Equal(t, "1 0 1", play(replay("101")))
}
