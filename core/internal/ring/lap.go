package ring

import (
	"math"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// When a lap may end early, if the Producer decides by itself.
const (
	// longLap is how long a lap is that may end in any case.
	longLap = 32 << 20
	// shortLap is how long a lap is that may end while the Producer is fast. Then the part of the
	// ring in use stays in the cache that both sides share. Of large frames a lap holds largeFrames:
	// one that is written and one that is read.
	shortLap    = 4 << 20
	largeFrames = 2
	// memorySpeed is the rate in bytes a second from which on a Producer is taken to do little but
	// write.
	memorySpeed = 1e9
	// bridged is for how many seconds a ring should hold what a Producer writes while the reader
	// stalls, if it is large enough.
	bridged = 0.25
)

// lap decides when the Producer may leave the rest of the ring unused and go on at the front
// (contract 3a, early wrap). That keeps the cache lines in use few, and costs room: a reader that
// stalls just then leaves no more than the front until it reads on. So the front is short only for
// a Producer so fast that the whole ring would not last for long either.
type lap struct {
	straight uint64 // a frame that ends up to here needs no thought of the end of the lap
	size     uint64 // of the ring
	fixed    uint64 // bytes after which a lap may end, 0 if the Producer decides

	clock func() int64 // nanoseconds, nil for none
	bytes uint64       // written since the last look at the clock
	last  int64        // what it said
	fast  bool         // the Producer was fast when it was looked at
}

func newLap(size uint64, early int64) lap {
	l := lap{size: size}
	switch {
	case early < 0:
		l.fixed = math.MaxUint64
	case early > 0:
		l.fixed = uint64(early)
	}
	l.begin()
	return l
}

// begin is called when a frame went to 0.
func (l *lap) begin() {
	l.straight = shortLap
	if l.fixed != 0 {
		l.straight = l.fixed
	}
	l.straight = min(l.straight, l.size-layout.HeaderSize)
}

// mayEnd tells whether the lap may end at pos, with a frame of total bytes to come.
func (l *lap) mayEnd(pos, total uint64) bool {
	switch {
	case l.fixed != 0:
		return pos >= l.fixed
	case pos < max(shortLap, largeFrames*total):
		return false
	case l.bytes >= shortLap && l.clock != nil:
		l.look()
	}
	if l.fast || pos >= longLap {
		return true
	}
	// Nothing changes before.
	l.straight = min(pos+shortLap, longLap, l.size-layout.HeaderSize)
	return false
}

// look finds out how fast the Producer is.
func (l *lap) look() {
	now := l.clock()
	rate := float64(l.bytes) * 1e9 / float64(now-l.last)
	l.fast = l.last != 0 && rate >= max(memorySpeed, float64(l.size)/bridged)
	l.bytes, l.last = 0, now
}
