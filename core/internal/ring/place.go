package ring

import "github.com/zerobuffer-go/zerobuffer/core/layout"

// place is where a frame goes.
type place struct {
	at      uint64 // offset of the header
	tail    uint64 // bytes wasted at the end of the lap, 0 without a wrap
	restart bool   // the ring is drained, and read_pos moves to 0 as well
	ahead   bool   // it is not drained yet
}

// lookEvery is how far the writer goes before it looks whether the ring is drained, so that it
// may start again at offset 0 and stay in the processor's cache. The look touches words that the
// reader writes, so it is not done at each frame.
const (
	lookEvery = 256 << 10
	// lookAgain is how far it goes after a look in vain: the reader may just be about to give the
	// rest back.
	lookAgain = 16 << 10
)

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
// write_pos does not reach read_pos (contract 3a). The read_pos of our reader is behind all that it
// holds, so the positions say it all; a foreign one moves read_pos when it reads, and only
// payload_free_bytes tells what it has given back.
func (p *Producer) refresh() error {
	// Partner: Consumer.GiveBack. The reader has done with the bytes before it.
	raw := p.oieb.ReadPos.Load()
	step("look-read-pos")
	r, err := p.position("read_pos", raw)
	if err != nil {
		return err
	}
	p.room = p.size - p.distance(r, p.pos) - 1
	switch {
	case p.foreign:
		p.room = min(p.settledFree(), p.room)
	case p.stillFull(raw):
		p.room = 0
	}
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

// drained tells whether nothing is in the ring, and nobody holds anything of it (contract 3a). Our
// reader shows it by its position alone. Its addition to payload_free_bytes comes a moment later,
// so what is there then says nothing, and is not touched.
func (p *Producer) drained() bool {
	raw := p.oieb.ReadPos.Load()
	if p.fold(raw) != p.pos {
		return false
	}
	if !p.foreign {
		return !p.stillFull(raw)
	}
	step("look-drained")
	tokens, _ := p.ready.State()
	step("look-tokens")
	return p.oieb.PayloadFree.Load() == p.size && tokens == 0
}

// stillFull tells whether a ring that was full is so, with read_pos raw. Our reader moves read_pos
// when the first frame comes back. Where the ring was only taken for full, because an addition was
// on its way when this writer attached, the free bytes tell. They are below 0 for a moment if such
// an addition comes after the subtraction of a frame that fills the ring.
func (p *Producer) stillFull(raw uint64) bool {
	return p.full && raw == p.fullRaw && p.free() < p.size
}

// MaxPayload is the largest payload of a frame in bytes.
func (p *Producer) MaxPayload() uint64 { return p.size - layout.HeaderSize }
