package spin

const (
	// streaming is how many frames a look finds at least if they come fast.
	streaming = 8
	// caughtUp is the most frames that a look finds if this side has caught up. If it is behind there
	// is nothing to wait for.
	caughtUp = 256
	// fewPauses is the most pauses in front of somebody who may wait for this side; they are no more
	// than the frames of the last look.
	fewPauses = 64
	// leastPauses and mostPauses are those in front of somebody who only sends: some microseconds.
	leastPauses = 4
	mostPauses  = 128
)

// Patience is how long a reader pauses before it looks for more frames. The zero value is ready to
// use. It is not safe for concurrent use.
//
// Each look fetches cache lines that a fast writer is about to write. Then frames come slower, so
// that each look finds fewer of them and there are more looks; nothing leads out of that but not to
// look for a while. That in turn is bad where the writer waits for what this side does.
type Patience struct {
	pauses uint32 // before the last look
	burst  uint32 // frames that it found
	soon   bool   // they were there at once
}

// Pause pauses before a look. awaited tells that the writer may wait for what this side does.
func (p *Patience) Pause(awaited bool) {
	switch n := p.burst; {
	case n == 0 || n > caughtUp:
		p.pauses = 0
	case p.soon && !awaited:
		p.pauses = min(max(2*p.pauses, leastPauses), mostPauses)
	case n >= streaming:
		p.pauses = min(n, fewPauses)
	default:
		p.pauses = 0
	}
	if p.pauses != 0 {
		Pause(p.pauses)
	}
}

// Found says that a look has found n frames, and whether they were there at once. It is short,
// because the program waits for the frames; the rest is done before the next look.
func (p *Patience) Found(n uint32, soon bool) { p.burst, p.soon = n, soon }

// Streaming tells whether frames come fast.
func (p *Patience) Streaming() bool { return p.burst >= streaming }
