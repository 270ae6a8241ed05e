package ring

import (
	"math"

	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const (
	// shortLap is how many bytes a fast Producer writes before it begins a new lap. So the part of the
	// ring in use stays in the cache that both sides share. Of large frames it is largeFrames, so that
	// one can be written while the other is read.
	shortLap    = 4 << 20
	largeFrames = 2
	// memorySpeed is the rate in bytes a second from which on a Producer is taken to do little but
	// write. No processor copies at unwrittenSpeed: then most bytes are reserved and left as they are,
	// so they are in no cache.
	memorySpeed    = 1e9
	unwrittenSpeed = 200e9
)

// pace decides when a Producer that knows the time ends a lap.
type pace struct {
	lapOver uint64       // position from which it is decided
	clock   func() int64 // nanoseconds, nil if it never does
	wasted  uint64       // bytes of Producer.written that are ends of laps, and no frames
	written uint64       // bytes of frames at the last look at the clock
	last    int64        // what it said
	drain   spin.Spinner
}

// Pace has a fast Producer make short laps. clock counts nanoseconds and is called rarely.
func (p *Producer) Pace(clock func() int64) {
	p.pace.clock = clock
	p.pace.begin(p.foreign)
}

// LapOver tells whether [Producer.EndLap] should be called before the next frame. In front of a
// foreign reader that is so once a lap at least: the Writer has to take the tokens that came.
func (p *Producer) LapOver() bool { return p.pos >= p.pace.lapOver }

// EndLap is called before a frame with n payload bytes, which is opened next. If the Producer is
// fast, and the front of the ring has come back, that frame is written ahead, to begin a new lap.
// If the ring is not drained in time nothing is lost but a copy, and it is tried again later, more
// and more rarely.
func (p *Producer) EndLap(n uint64) error {
	c, total := &p.pace, layout.HeaderSize+n
	if least := largeFrames * total; p.pos < least {
		c.lapOver = least
		return nil
	}
	c.lapOver = p.pos + shortLap
	if p.foreign || !c.fast(p.written-c.wasted) || !c.drain.May() {
		return nil
	}
	err := p.planAhead(total)
	if p.ahead.total == 0 {
		c.lapOver = p.pos + max(total, lookEvery)
	}
	return err
}

// drainedOnce is drained as a spin asks for it.
func (p *Producer) drainedOnce() uint32 {
	if p.drained() {
		return 1
	}
	return 0
}

// begin is called when a lap begins.
func (c *pace) begin(foreign bool) {
	switch {
	case foreign:
		c.lapOver = 0
	case c.clock != nil:
		c.lapOver = shortLap
	default:
		c.lapOver = math.MaxUint64
	}
}

// fast tells whether the Producer, which has written frames of so many bytes, was fast since the
// last call.
func (c *pace) fast(written uint64) bool {
	now := c.clock()
	known, bytes, took := c.last != 0, written-c.written, now-c.last
	c.written, c.last = written, now
	rate := float64(bytes) * 1e9 / float64(took)
	return known && rate >= memorySpeed && rate < unwrittenSpeed
}
