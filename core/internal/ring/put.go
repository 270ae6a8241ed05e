package ring

import "github.com/zerobuffer-go/zerobuffer/core/layout"

// copyAtOnce is the most bytes of one copy. Go copies larger blocks around the processor's caches,
// so that the reader would have to fetch them from memory.
const copyAtOnce = 256 << 10

// straight tells whether a frame of total bytes simply goes behind the last one, as most do: all
// but a few in a lap, and one in lookAgain bytes. It does not if it is empty, or if
// [Producer.Settle] is due.
func (p *Producer) straight(total uint64) bool {
	return total > layout.HeaderSize && total <= p.room && p.pos+total <= p.nearEnd && p.pos != 0 &&
		p.pos < p.nextLook && !p.anchored && !p.unsettled
}

// Straight is Open for a frame that simply goes behind the last one. It returns nil for all others.
func (p *Producer) Straight(n uint64) []byte {
	total := layout.HeaderSize + n
	if !p.straight(total) {
		return nil
	}
	return p.begin(place{at: p.pos}, total)
}

// Put writes such a frame, in one part, and publishes it, without the account of a batch. For all
// other frames, and behind others that are sealed, it returns false and has changed nothing.
func (p *Producer) Put(frame []byte) (bool, error) {
	at, total := p.pos, layout.HeaderSize+uint64(len(frame))
	if !p.straight(total) || p.sealed.n != 0 {
		return false, nil
	}
	p.put(frame, total)
	p.advance(1)
	if p.subtractsFirst() {
		p.subtract(total)
	}
	layout.WriteSeq(p.data[at:], p.seq-1)
	step("unmark")
	return true, p.post(1, total)
}

// PutSealed is Put for a frame of a batch, which Flush publishes. It returns false for the last one
// of a full batch as well, which is published at once.
func (p *Producer) PutSealed(frame []byte) bool {
	b, at, total := &p.sealed, p.pos, layout.HeaderSize+uint64(len(frame))
	if !p.straight(total) || b.n >= batchMax-1 {
		return false
	}
	p.put(frame, total)
	b.at[b.n] = at
	b.n++
	b.bytes += total
	return true
}

// put writes a frame of total bytes behind the last one, and goes behind it. It does not get to the
// end of the ring.
func (p *Producer) put(frame []byte, total uint64) {
	Copy(p.mark(p.pos, total), frame)
	step("payload")
	p.pos += total
	p.room -= total
	p.seq++
	p.full = false
}

// Copy copies a part of a payload to the place of the frame, and returns what is behind it.
func Copy(to, part []byte) (rest []byte) {
	for len(part) > copyAtOnce {
		n := copy(to[:copyAtOnce], part)
		to, part = to[n:], part[n:]
	}
	return to[copy(to, part):]
}
