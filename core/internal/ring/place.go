package ring

import "github.com/zerobuffer-go/zerobuffer/core/layout"

// place is where a frame goes.
type place struct {
	at      uint64 // offset of the header
	tail    uint64 // bytes wasted at the end of the lap, 0 without a wrap
	restart bool   // the ring is drained, and read_pos moves to 0 as well
}

// lookEvery is how far the writer goes before it looks whether the ring is drained, so that it
// may start again at offset 0 and stay in the processor's cache. The look touches words that the
// reader writes, so it is not done at each frame.
const lookEvery = 256 << 10

// place finds room for total bytes within p.room, without looking at the reader's words.
func (p *Producer) place(total uint64) (place, bool) {
	tail := p.size - p.pos
	fits := total <= tail && p.goodEnd(p.pos+total) && (!p.anchored || p.pos == 0)
	wrap := p.pos != 0 && tail >= layout.HeaderSize && p.goodEnd(total) && p.room >= tail+total
	switch {
	case wrap && (!fits || p.lap != 0 && p.pos >= p.lap):
		return place{tail: tail}, true
	case fits && p.room >= total:
		return place{at: p.pos}, true
	}
	return place{}, false
}

// refresh looks at the reader's words and sets p.room: the bytes that can be written so that
// write_pos does not reach read_pos (contract 3a).
func (p *Producer) refresh() error {
	r, err := p.position("read_pos", p.oieb.ReadPos.Load())
	if err != nil {
		return err
	}
	p.room = min(p.settledFree(), p.size-p.distance(r, p.pos)-1)
	return nil
}

// settledFree is payload_free_bytes less what must not be used yet: a foreign reader gives back
// the waste of a wrap while it may still hold frames from before it (contract 3a).
func (p *Producer) settledFree() uint64 {
	free := p.free()
	if p.waste.bytes != 0 {
		if returned := free + p.written - p.base; int64(returned-p.waste.until) < 0 {
			return free - min(free, p.waste.bytes)
		}
		p.waste = waste{}
	}
	return free
}

// waste is what a foreign reader may have given back too early. bytes count as used until the
// reader has returned a total of until bytes since this writer came.
type waste struct {
	bytes uint64
	until uint64
}

// drained tells whether nothing is in the ring, and nobody holds anything of it (contract 3a).
func (p *Producer) drained() bool {
	if p.oieb.PayloadFree.Load() != p.size || p.fold(p.oieb.ReadPos.Load()) != p.pos {
		return false
	}
	tokens, _ := p.ready.State()
	return tokens == 0
}

// MaxPayload is the largest payload of a frame in bytes.
func (p *Producer) MaxPayload() uint64 { return p.size - layout.HeaderSize }
