package ring

import (
	"sync/atomic"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// batchMax is how many frames are published by one change of the shared words.
const batchMax = 64

// Producer is the writer's side of a ring. It is not safe for concurrent use.
//
// A frame goes through [Producer.Open], which finds a place and gives the payload to be filled, and
// [Producer.Seal], or through [Producer.Put], which does both at once for most. [Producer.Flush]
// makes all sealed frames visible; Put can do that for a single one.
type Producer struct {
	view
	ready Tokens // sem-w: frames that can be read
	lap   uint64 // bytes after which a lap may end early, 0 for the whole ring
	pace  pace
	// front is write_pos as FetchFront knows it. It stands apart, so that a Reader on another
	// processor does not take the cache lines of a Producer that is busy.
	front *atomic.Uint64

	nearEnd  uint64 // up to here a frame may end without a thought of the end of the lap
	pos      uint64 // where the next frame goes: write_pos and the sealed frames, folded
	seq      uint64 // number of the next frame
	count    uint64 // written_count
	room     uint64 // bytes that are known to be free in front of pos
	nextLook uint64 // position from which drained is looked at again
	anchored bool   // the frame at 0 is marked and not published: the next one goes there
	ahead    ahead  // of the next frame, of the open one, or of one that was abandoned
	full     bool   // equal positions mean full as long as read_pos is fullRaw; towards our reader
	fullRaw  uint64

	foreign   bool   // the reader is no program of ours
	unsettled bool   // tokens may be missing for frames that a killed writer left
	looks     uint   // how often Settle was called
	broken    uint   // how often it found the chain of frames broken
	doubt     uint64 // bytes that may have been subtracted twice
	base      uint64 // payload_free_bytes when this writer came
	written   uint64 // bytes subtracted since then
	waste     waste

	open   opened
	sealed batch
}

// opened is the frame between Open and Seal; total is 0 when there is none.
type opened struct {
	place
	total uint64
}

// batch is the frames between Seal and Flush.
type batch struct {
	n     int
	bytes uint64 // totals and wasted tails
	place place  // of the frame, if it is at 0; then it is the only one
	at    [batchMax]uint64
}

// NewProducer returns the writer's side of the ring in seg; ready is its sem-w. Nothing is
// touched before [Producer.Attach].
func NewProducer(seg layout.Segment, ready Tokens, lap int64) *Producer {
	p := &Producer{view: newView(seg), ready: ready, front: new(atomic.Uint64), nextLook: lookEvery}
	p.nearEnd = p.size - layout.HeaderSize
	if lap > 0 {
		p.lap = uint64(lap)
		p.nearEnd = min(p.nearEnd, p.lap)
	}
	p.pace.begin(p.foreign)
	return p
}

// Open finds a place for a frame with n payload bytes, writes its marked header and returns its
// payload, with cap == len. It returns nil if there is no room now. n must be in 1..MaxPayload.
func (p *Producer) Open(n uint64) ([]byte, error) {
	if b := p.Straight(n); b != nil {
		return b, nil
	}
	p.clearAhead()
	total := layout.HeaderSize + n
	pl, ok, err := p.findPlace(total)
	if err != nil || !ok {
		return nil, err
	}
	if pl.at == 0 {
		// The frame at 0 is published alone: recovery tells its states apart by that.
		if err := p.Flush(); err != nil {
			return nil, err
		}
		p.anchored = p.pos != 0
		if p.foreign && total == p.size {
			// Nothing is unread. Now the counts tell whether this frame was read, see wholeUnread.
			p.count = p.oieb.ReadCount.Load()
		}
	}
	if pl.tail >= layout.HeaderSize {
		layout.WriteSize(p.data[p.pos:], 0)
		step("marker-size")
		layout.WriteSeq(p.data[p.pos:], 0)
		step("marker")
	}
	return p.begin(pl, total), nil
}

// begin writes the marked header of a frame of total bytes and returns its payload.
func (p *Producer) begin(pl place, total uint64) []byte {
	p.open = opened{pl, total}
	return p.mark(pl.at, total)
}

// mark writes the marked header of a frame of total bytes and returns its payload.
func (p *Producer) mark(at, total uint64) []byte {
	end := at + total
	b := p.data[at:end:end]
	layout.WriteSeq(b, p.seq|layout.Unfinished)
	step("mark")
	layout.WriteSize(b, total-layout.HeaderSize)
	step("size")
	return b[layout.HeaderSize:]
}

// findPlace finds a place for total bytes, and looks at the reader's words if it has to or should.
func (p *Producer) findPlace(total uint64) (place, bool, error) {
	if p.ahead.total == total {
		return place{restart: true, ahead: true}, true, nil
	}
	p.ahead = ahead{}
	if pl, ok := p.place(total); ok && p.pos < p.nextLook {
		return pl, true, nil
	}
	return p.placeAnew(total)
}

// placeAnew looks at the reader's words for a place. If there is none, what was lost is looked for:
// once, because a broken reader could have this side find something without end.
func (p *Producer) placeAnew(total uint64) (place, bool, error) {
	pl, ok, err := p.placeNow(total)
	if err == nil && !ok && p.reclaim() {
		pl, ok, err = p.placeNow(total)
	}
	if err != nil || ok {
		return pl, ok, err
	}
	// A frame as large as the ring, or one that leaves a tail too short for a marker.
	return place{restart: true}, p.drained(), nil
}

// placeNow flushes what is sealed and looks at the reader's words for a place.
func (p *Producer) placeNow(total uint64) (place, bool, error) {
	if err := p.Flush(); err != nil {
		return place{}, false, err
	}
	if p.foreign {
		p.base -= p.lowerFree()
	}
	if p.pos != 0 && p.drained() {
		return place{restart: true}, true, nil
	}
	if p.pos >= p.nextLook {
		p.nextLook = p.pos + lookAgain
	}
	if err := p.refresh(); err != nil {
		return place{}, false, err
	}
	pl, ok := p.place(total)
	return pl, ok, nil
}

// Seal ends the open frame with n payload bytes, at most as many as it was opened with.
func (p *Producer) Seal(n uint64) error {
	if p.open.ahead {
		p.settleAhead(n)
	}
	o, b := p.open.place, &p.sealed
	total := layout.HeaderSize + n
	if total < p.open.total {
		layout.WriteSize(p.data[o.at:], n)
		step("shorten")
	}
	p.open = opened{}
	b.at[b.n] = o.at
	b.n++
	b.bytes += o.tail + total
	p.pos = p.fold(o.at + total)
	p.room -= min(p.room, o.tail+total)
	p.seq++
	p.full = false
	if p.pos == 0 {
		p.nextLook = lookEvery
	}
	if o.at == 0 {
		b.place = o
		p.full, p.fullRaw = total == p.size, 0 // such a frame starts with read_pos = 0
		p.pace.begin(p.foreign)
		return p.Flush()
	}
	if b.n == batchMax {
		return p.Flush()
	}
	return nil
}

// Abandon gives up the open frame. Its place and its number go to the next frame.
func (p *Producer) Abandon() { p.open = opened{} }

// Forget gives up the sealed frames that were not published, and returns how many there were and
// their payload bytes. Their places and numbers go to the next frames. None of them is at 0, so
// there is no waste between them.
func (p *Producer) Forget() (frames, payload uint64) {
	b := &p.sealed
	if b.n == 0 {
		return 0, 0
	}
	frames, payload = uint64(b.n), b.bytes-uint64(b.n)*layout.HeaderSize
	p.pos, p.seq = b.at[0], p.seq-frames
	p.room += b.bytes
	b.n, b.bytes = 0, 0
	return frames, payload
}

// Undisturbed tells whether write_pos is where this side has left it.
func (p *Producer) Undisturbed() bool {
	last := p.pos
	if p.sealed.n != 0 {
		last = p.sealed.at[0]
	}
	return p.fold(p.oieb.WritePos.Load()) == last
}

// OpenSize is the number of payload bytes of the open frame.
func (p *Producer) OpenSize() uint64 { return p.open.total - layout.HeaderSize }

// Used is the number of payload bytes that are taken, headers and wasted tails included.
func (p *Producer) Used() uint64 { return p.size - p.free() }

// Drained tells whether the reader has read and given back everything.
func (p *Producer) Drained() bool { return p.sealed.n == 0 && p.drained() }

// Doubt is the number of bytes that may be lost to accounts that a killed writer left half done.
func (p *Producer) Doubt() uint64 { return p.doubt }

// Unsettled tells whether [Producer.Settle] still has something to look for.
func (p *Producer) Unsettled() bool { return p.unsettled }
