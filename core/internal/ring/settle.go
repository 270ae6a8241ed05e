package ring

// settleEvery is how many calls of Settle go by before it counts the unread frames without a
// reader that is blocked. Counting takes time if there are many.
const settleEvery = 16

// settleTries is how often the chain may be found broken until Settle gives up.
const settleTries = 4

// Settle posts the tokens that a killed writer owed, as soon as that can be proved: the reader is
// blocked with none left, or there is one for each unread frame (contract 5a). It is called before
// each write and wait, every 20 ms of a wait, and at Close.
func (p *Producer) Settle() error {
	if !p.unsettled || p.sealed.n != 0 {
		return nil
	}
	tokens, waiters := p.ready.State()
	if p.looks++; (tokens != 0 || waiters == 0) && p.looks%settleEvery != 0 {
		return nil
	}
	step("look-tokens")
	r := p.oieb.ReadPos.Load()
	step("look-read-pos")
	frames, whole := p.countUnread(r)
	if p.full && p.wholeUnread() {
		frames = 1
	}
	t, w := p.ready.State()
	if !whole {
		// The frames are this side's and those that Attach has seen whole. A hostile reader could
		// have them counted at each call.
		p.broken++
		p.unsettled = p.broken < settleTries
	}
	step("look-tokens")
	if !whole || t != tokens || w != waiters || p.oieb.ReadPos.Load() != r {
		return nil // the reader moved on meanwhile: look again later
	}
	switch {
	case tokens == 0 && waiters > 0:
		p.unsettled = false
		if frames != 0 {
			err := p.ready.Post(uint32(frames))
			step("settle-post")
			return posted(err)
		}
	case uint64(tokens) == frames:
		p.unsettled = false
	}
	return nil
}

// wholeUnread tells whether a foreign reader that is blocked has not read the frame that fills the
// ring. The positions and the free bytes are the same while it holds that frame, but read_count is
// not: our writers make the counts fit when they write such a frame.
func (p *Producer) wholeUnread() bool {
	return p.free() == 0 && p.oieb.WrittenCount.Load() != p.oieb.ReadCount.Load()
}

// countUnread counts the frames from read_pos raw on, and tells whether the chain is whole.
func (p *Producer) countUnread(raw uint64) (frames uint64, whole bool) {
	r, err := p.position("read_pos", raw)
	if err != nil {
		return 0, false
	}
	c, err := p.unread(r, p.distance(r, p.pos))
	return c.frames, err == nil
}

// Unread is the number of frames that the reader has not passed, as far as they can be walked.
func (p *Producer) Unread() uint64 {
	raw := p.oieb.ReadPos.Load()
	frames, _ := p.countUnread(raw)
	if frames == 0 && p.stillFull(raw) {
		c, _ := p.unread(p.pos, p.size)
		return c.frames
	}
	return frames
}
