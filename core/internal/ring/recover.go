package ring

import (
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Recovery is what a new writer found and repaired (contract 5a).
type Recovery struct {
	// Sequence is the number of the last frame that was published before, 0 for a fresh buffer.
	Sequence uint64
	// Unread is the number of frames that are still in the ring.
	Unread uint64
	// Finished is the number of frames whose accounts a killed writer had left half done.
	Finished uint64
	// Restart tells that a start at offset 0 was undone which a killed writer had half done.
	Restart bool
}

// state is what Attach reads before it changes anything.
type state struct {
	free    uint64 // payload_free_bytes at the same moment as r
	r, w    uint64 // folded
	left    uint64 // bytes from r to w
	head    layout.Header
	restart bool   // write_pos has to go to 0
	full    bool   // positions are equal because the ring is full
	raw     uint64 // read_pos, not folded
	chain   chain
}

// Attach finds out where the writer before this one stopped, repairs what it left half done, and
// sets the Producer to go on after it. foreign says that the reader is no program of ours. An
// error changes nothing.
func (p *Producer) Attach(foreign bool) (Recovery, error) {
	p.foreign = foreign
	p.pace.begin(foreign)
	s, err := p.inspect()
	if err != nil {
		return Recovery{}, fmt.Errorf("walk over the frames of the last writer: %w", err)
	}
	last := s.chain.last
	if s.chain.frames == 0 {
		if s.head.IsUnfinished() {
			last = s.head.Number() - 1
		} else if last, err = p.lastNumber(s.w); err != nil {
			return Recovery{}, fmt.Errorf("look for the last sequence number: %w", err)
		}
	}
	p.pos, p.seq = s.w, last+1
	p.count = p.oieb.WrittenCount.Load()
	p.anchored = s.head.IsUnfinished() && s.w != 0 && !s.chain.atZero
	if s.restart {
		p.oieb.WritePos.Store(0)
		step("recover-restart")
	}
	rec := Recovery{
		Sequence: last, Unread: s.chain.frames,
		Finished: uint64(len(s.chain.marked)), Restart: s.restart,
	}
	p.full, p.fullRaw = s.full, s.raw
	p.goOn(&s)
	p.finish(&s)
	p.lowerFree()
	p.guardHeld()
	return rec, p.tokensAtAttach(&s)
}

// goOn has the lap go on behind the unread frames, if an unpublished one at 0 can be given up: a
// reader of ours has given back all in front of r.
func (p *Producer) goOn(s *state) {
	if p.anchored && !p.foreign && s.chain.first > 1 && s.r > layout.HeaderSize && s.r < s.w {
		p.ahead = ahead{end: s.r, last: s.chain.first - 1}
		p.retire()
	}
}

// inspect reads the state of the ring. The one state in which read_pos and write_pos do not
// belong together is a restart at offset 0 that was killed between the two stores: read_pos is 0,
// and the frame at 0 is marked and does not end at write_pos.
func (p *Producer) inspect() (state, error) {
	var s state
	var raw uint64
	s.free, raw = p.snapshot()
	r, err := p.position("read_pos", raw)
	if err != nil {
		return s, err
	}
	w, err := p.position("write_pos", p.oieb.WritePos.Load())
	if err != nil {
		return s, err
	}
	step("look-write-pos")
	s.head = layout.ReadHeader(p.data)
	end := layout.HeaderSize + s.head.Size
	if s.head.IsUnfinished() && raw == 0 && w != 0 && w != end {
		w, s.restart = 0, true
	}
	s.r, s.w, s.left, s.raw = r, w, p.distance(r, w), raw
	if r == w && !s.restart && p.looksFull(r) {
		s.left, s.full = p.size, true
	}
	s.chain, err = p.unread(s.r, s.left)
	return s, err
}

// looksFull tells whether equal positions at r mean a full ring. Towards a foreign reader that is
// one frame at 0: ours leaves a byte free otherwise, and what peers leave cannot be told apart. A
// foreign writer in front of our reader may have filled the ring to the brim with any frames. Then
// they form a chain around the ring, and the free bytes are few; in an empty ring the frames of the
// last lap may look the same while the reader's addition is on its way. In doubt the ring is taken
// for full, and [Producer.stillFull] finds out.
func (p *Producer) looksFull(r uint64) bool {
	free := p.free()
	head := layout.ReadHeader(p.data)
	switch {
	case free == 0 && r == 0 && layout.HeaderSize+head.Size == p.size:
		return true
	case p.foreign || free >= p.size:
		return false
	}
	// What starts in the middle of an older frame may form a chain by chance. Peers set no marks, so
	// a mark is that of a frame which was never published.
	written := true
	err := p.walk(r, p.size, func(f frame) {
		written = written && f.head.Number() != 0 && !f.head.IsUnfinished()
	})
	return err == nil && written
}

// snapshot loads payload_free_bytes and read_pos so that they belong together, as far as a reader
// that goes on allows it: it stores one after the other.
func (p *Producer) snapshot() (free, r uint64) {
	for range 100 {
		free = p.free()
		step("look-free")
		r = p.oieb.ReadPos.Load()
		step("look-read-pos")
		if p.free() == free {
			break
		}
	}
	return free, r
}

// finish does what the killed writer would have done next for the frames at the end of the chain
// that are complete in all but their accounts: subtract, take the mark away. Towards our reader the
// free bytes are what the positions say, see [Producer.lowerFree].
func (p *Producer) finish(s *state) {
	if p.foreign && !s.full {
		p.subtractAgain(s)
	}
	for _, f := range s.chain.marked {
		layout.WriteSeq(p.data[f.at:], f.head.Number())
		step("recover-unmark")
	}
}

// subtractAgain subtracts the marked frames towards a foreign reader. It may be unknown whether the
// killed writer had done that; then it is done again, which costs space and never a frame.
func (p *Producer) subtractAgain(s *state) {
	var bytes uint64
	for _, f := range s.chain.marked {
		bytes += f.waste + f.total
	}
	done := s.free+p.lowUse(s.r, s.w, s.left) <= p.size
	switch {
	case bytes == 0:
	case done && bytes > s.free: // there is no room for frames that the reader could hold
	default:
		if done {
			p.doubt = bytes
		}
		p.oieb.PayloadFree.Add(-min(bytes, p.free()))
		step("recover-subtract")
	}
}

// lowUse is the least that the left bytes from r to w take. A foreign reader adds the waste of a
// wrap before it moves read_pos, so a waste right at read_pos does not count.
func (p *Producer) lowUse(r, w, left uint64) uint64 {
	if !p.foreign || w >= r || left == 0 || left == p.size {
		return left
	}
	tail := p.size - r
	if tail < layout.HeaderSize || layout.ReadHeader(p.data[r:]).IsWrap() {
		left -= tail
	}
	return left
}

// reclaim gives back what was subtracted twice, or never came back, as far as that can be proved: a
// foreign reader that is blocked with nothing unread holds at most the last frames of the lap, so
// what is taken beyond a sum of their sizes is lost. It reports whether there was any.
func (p *Producer) reclaim() bool {
	free := p.oieb.PayloadFree.Load()
	step("look-free")
	tokens, waiters := p.ready.State()
	if !p.foreign || free >= p.size || tokens != 0 || waiters == 0 ||
		p.fold(p.oieb.ReadPos.Load()) != p.pos {
		return false
	}
	used, end := p.size-free, p.pos
	if end == 0 {
		end = p.size
	}
	var held uint64
	err := p.walk(0, end, func(f frame) {
		if sum := end - f.at; sum <= used {
			held = max(held, sum)
		}
	})
	// Frames of the lap before may be held as well if all of this one is.
	if err != nil || used >= end || held == used {
		return false
	}
	// No release came between: the reader only adds.
	step("look-held")
	if !p.oieb.PayloadFree.CompareAndSwap(free, p.size-held) {
		return false
	}
	step("reclaim")
	lost := used - held
	p.base += lost
	p.doubt -= min(p.doubt, lost)
	p.waste = waste{} // what was read before this lap has come back
	return true
}

// lowerFree takes away free bytes that the positions rule out, and returns how many: a killed
// peer's writer has moved write_pos and not subtracted, or an addition of a foreign reader that was
// not atomic has swallowed a subtraction. Left as they are they would hide, in a fuller ring, what
// the reader holds, and the ring would never look drained.
func (p *Producer) lowerFree() uint64 {
	for range 100 { // a reader that adds all the time is left for the next call
		f := p.oieb.PayloadFree.Load()
		step("look-free")
		r := p.fold(p.oieb.ReadPos.Load()) // after f: the reader moves it first and adds later
		if r > p.size {
			return 0
		}
		limit := p.size - p.lowUse(r, p.pos, p.distance(r, p.pos))
		if int64(f) <= int64(limit) {
			return 0
		}
		step("look-read-pos")
		if p.oieb.PayloadFree.CompareAndSwap(f, limit) {
			step("lower")
			return f - limit
		}
	}
	return 0
}

// guardHeld protects frames that a foreign reader holds from before this writer came: what is
// taken and not unread lies in front of read_pos. If there is a wrap ahead of the reader, it may
// give back its waste before those frames. If they reach back over the start of the ring, where
// they end in the last lap is unknown, so nothing is written until that part has come back.
func (p *Producer) guardHeld() {
	var raw uint64
	p.base, raw = p.snapshot()
	p.written = 0
	r := p.fold(raw)
	if !p.foreign || r > p.size {
		return
	}
	taken, unread := p.size-p.base, p.distance(r, p.pos)
	if held := taken - min(taken, unread); p.pos < r {
		p.waste = waste{bytes: p.size - r, until: taken - min(taken, p.pos)}
	} else if held > r {
		p.waste = waste{bytes: p.size, until: held - r}
	}
}

// manyTokens is a value above which nothing is posted that may be too many.
const manyTokens = 1 << 30

// tokensAtAttach posts the tokens that are known to be missing. Too many do no harm to a reader of
// ours, so it gets one for each unread frame.
func (p *Producer) tokensAtAttach(s *state) error {
	n := uint32(len(s.chain.marked))
	switch {
	case !p.foreign:
		if tokens, _ := p.ready.State(); tokens < manyTokens {
			n = uint32(min(s.chain.frames, manyTokens))
		}
	case s.full && n == 0:
		p.unsettled = true
		return p.Settle()
	default:
		p.unsettled = s.chain.frames != 0 && (s.chain.frames != 1 || n == 0)
	}
	if n == 0 {
		return nil
	}
	step("look-tokens")
	err := p.ready.Post(n)
	step("recover-post")
	return posted(err)
}
