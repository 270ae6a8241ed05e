//go:build zbsteps

package ring

// at is called at each step of either side.
func (s *scene) at(name string) {
	if s.rd.running {
		s.rd.at(name)
		return
	}
	s.look(name)
	if s.quiet {
		return
	}
	if s.kills > 0 && !s.wide && !s.recovering && s.eager {
		s.rd.untilBlocked()
		if s.err != nil {
			panic(errFailed)
		}
		return
	}
	for s.decide(name) {
		if s.err != nil {
			panic(errFailed)
		}
	}
}

// decide lets the writer go on (false), the reader make a step, or the writer be killed.
func (s *scene) decide(name string) bool {
	read := s.mayRead() && s.rd.runnable()
	kill := s.mayKill()
	if !read && !kill {
		return false
	}
	if s.known(s.key(name)) {
		panic(errKnown)
	}
	of := 1
	if read {
		of++
	}
	if kill {
		of++
	}
	switch n := s.pick(of); {
	case n == 0:
		return false
	case n == 1 && read:
		s.rd.step()
		return true
	}
	s.kill(name)
	return false
}

func (s *scene) mayRead() bool { return s.kills == 0 || s.wide }

func (s *scene) mayKill() bool {
	return !s.quiet && s.kills < s.plan.kills && (s.kills == 0 || s.recovering || s.wide)
}

func (s *scene) kill(name string) {
	s.logf("writer %d is killed at %s", s.writer, name)
	// Its successor cannot know that the accounts were mended half way.
	s.doubtful = s.doubtful || s.foreign && s.recovering
	panic(errKilled)
}

// look notes what the writer has in its local variables of the words that the reader changes. There
// is nothing of the kind between stores, but Open still has its place when it writes the header,
// and Attach keeps what it has seen until its end.
func (s *scene) look(name string) {
	o := s.seg.OIEB
	h := &s.history
	switch name {
	case "look-free":
		h.add(o.PayloadFree.Load())
	case "look-read-pos":
		h.add(o.ReadPos.Load())
	case "look-tokens":
		h.add(s.sems())
	case "marker-size", "mark", "look-held", "look-write-pos":
		h.add(o.ReadPos.Load(), o.PayloadFree.Load(), s.sems())
	case "marker", "size":
	default:
		if !s.recovering {
			*h = 0
		}
	}
}

func (s *scene) sems() uint64 {
	return uint64(s.data.tokens)<<32 ^ uint64(s.data.waiters)<<48 ^ uint64(s.space.tokens)<<16 ^
		uint64(s.space.waiters)
}

// key is the state: shared memory, both sides, and what is known of them.
func (s *scene) key(name string) uint64 {
	var h hash
	for m := s.mem; len(m) >= 8; m = m[8:] {
		h.add(uint64(m[0]) | uint64(m[1])<<8 | uint64(m[2])<<16 | uint64(m[3])<<24 |
			uint64(m[4])<<32 | uint64(m[5])<<40 | uint64(m[6])<<48 | uint64(m[7])<<56)
	}
	h.text(name)
	h.flag(s.recovering, s.eager, s.doubtful, s.alive)
	h.add(s.sems(), uint64(s.part), s.writer, uint64(s.kills), s.promised, uint64(s.history))
	if s.p != nil {
		s.p.mix(&h)
	}
	s.rd.mix(&h)
	return uint64(h)
}

// mix adds the private state of a Producer.
func (p *Producer) mix(h *hash) {
	h.add(p.pos, p.seq, p.count, p.room, p.nextLook, p.fullRaw, uint64(p.looks), p.doubt, p.base,
		p.written, p.waste.bytes, p.waste.until, p.open.at, p.open.tail, p.open.total,
		p.ahead.total, p.ahead.end, p.ahead.last)
	h.flag(p.open.ahead, p.anchored, p.full, p.unsettled, p.open.restart, p.sealed.place.restart)
	b := &p.sealed
	h.add(uint64(b.n), b.bytes, b.place.tail)
	h.add(b.at[:b.n]...)
}

// mix adds the private state of a Consumer.
func (c *Consumer) mix(h *hash) {
	back, taken := c.back.Load(), c.taken.Load()
	h.add(c.pos, c.unread, c.expected, c.sum, c.looked, c.readCount, back, taken, c.given.Load(),
		c.published.Load(), c.restarts.Load(), c.eager.Load())
	for i := back; i < taken; i++ {
		s := c.at(i)
		h.add(s.ticket.Load(), s.end.Load(), s.sum, s.count)
	}
}
