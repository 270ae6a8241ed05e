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

// Put writes such a frame, in one part, and seals it; with now it publishes it as well, without the
// account of a batch in between. For all other frames, for the last one of a batch, which is
// published at once, and with now behind others that are sealed, it returns false and has changed
// nothing.
func (p *Producer) Put(frame []byte, now bool) (bool, error) {
	at, total, b := p.pos, layout.HeaderSize+uint64(len(frame)), &p.sealed
	if !p.straight(total) || b.n >= batchMax-1 || now && b.n != 0 {
		return false, nil
	}
	Copy(p.mark(at, total), frame)
	step("payload")
	p.pos = at + total // not the end of the ring
	p.room -= total
	p.seq++
	p.full = false
	if !now {
		b.at[b.n] = at
		b.n++
		b.bytes += total
		return true, nil
	}
	p.advance(1)
	if p.subtractsFirst() {
		p.subtract(total)
	}
	layout.WriteSeq(p.data[at:], p.seq-1)
	step("unmark")
	return true, p.post(1, total)
}

// Copy copies a part of a payload to the place of the frame, and returns what is behind it.
func Copy(to, part []byte) (rest []byte) {
	for len(part) > copyAtOnce {
		n := copy(to[:copyAtOnce], part)
		to, part = to[n:], part[n:]
	}
	return to[copy(to, part):]
}
