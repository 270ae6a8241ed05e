package ring

import "github.com/zerobuffer-go/zerobuffer/core/layout"

// ahead is the place of a frame that is written at 0 while the reader is still in the lap behind,
// so that a new lap can begin at the moment in which the ring is drained. The reader has given back
// the first frames of the lap, up to end, and the last of them has the number last. The zero value
// says that there is none.
type ahead struct {
	total     uint64 // of the frame
	end, last uint64
}

// aheadFrames is how many frames there may be where one is written ahead.
const aheadFrames = 4

// planAhead has Open write the next frame ahead if it has total bytes and that can be.
func (p *Producer) planAhead(total uint64) (err error) {
	p.clearAhead()
	p.nextLook = p.pos // no way around findPlace, and the ring may be drained already
	p.ahead, err = p.findAhead(total)
	return err
}

// findAhead finds out whether a frame of total bytes can be written ahead. Behind the last frame
// there must be room for it as well, because it goes there if the ring is not drained in the end.
func (p *Producer) findAhead(total uint64) (a ahead, err error) {
	if err := p.refresh(); err != nil {
		return a, err
	}
	straight, ok := p.place(total)
	r := p.fold(p.oieb.ReadPos.Load())
	step("look-read-pos")
	if !ok || straight.at != p.pos || r > p.pos {
		return a, nil
	}
	return p.frontOf(r, total), nil
}

// frontOf finds the frames in the first total bytes of the ring, which must end before r. What a
// peer has written there instead is none.
func (p *Producer) frontOf(r, total uint64) ahead {
	a := ahead{total: total}
	for range aheadFrames {
		f, err := p.frameAt(a.end, r-a.end)
		if err != nil || f.at != a.end || f.total == 0 || f.head.IsUnfinished() {
			break
		}
		a.end += f.total
		a.last = f.head.Number()
		if a.end >= total {
			return a
		}
	}
	return ahead{}
}

// settleAhead is called when n payload bytes of the open frame, which was written ahead, are there.
// Once the ring is drained the frame begins a lap. If that takes too long it moves behind the last
// one: a reader that holds frames until more have come would wait for ever.
func (p *Producer) settleAhead(n uint64) {
	step("ahead")
	if p.pace.drain.Spin(p.drainedOnce) != 0 {
		p.ahead = ahead{}
		return
	}
	payload := p.data[layout.HeaderSize : layout.HeaderSize+n]
	p.retire()
	Copy(p.begin(place{at: p.pos}, p.open.total), payload)
	step("payload")
}

// clearAhead gives up a frame that was written ahead and abandoned. That is put off until the next
// frame, because another writer may have taken over when this one abandons its own.
func (p *Producer) clearAhead() {
	if p.anchored && p.ahead.total != 0 {
		p.retire()
	}
}

// retire gives up the frame at 0. It has overwritten frames that nobody reads any more. But if
// nothing is unread when the next writer comes, it finds the last number by a walk over the lap, so
// one old frame takes their place.
func (p *Producer) retire() {
	a := p.ahead
	p.ahead = ahead{}
	layout.WriteSize(p.data, a.end-layout.HeaderSize)
	step("retire-size")
	layout.WriteSeq(p.data, a.last)
	step("retire")
	p.anchored = false
}
