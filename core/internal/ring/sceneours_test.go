//go:build zbsteps

package ring

// ours reads through a Consumer, with the rules of Reader.read, tryRead and meetWriter about tokens
// and writers.
func (r *readerSide) ours() {
	for !r.left {
		if r.try(false) {
			continue
		}
		r.c.GiveBack() // before it waits
		if r.try(false) {
			continue
		}
		if r.left {
			return
		}
		r.block()
		look := r.woken
		r.woken = false
		if r.gave() {
			continue
		}
		r.try(look)
	}
}

// try reads a frame if there is one. look asks whether the writer is alive.
func (r *readerSide) try(look bool) bool {
	if r.credit == 0 {
		if r.credit = r.s.data.Take(1 << 30); r.credit != 0 {
			step("take")
		}
	}
	if r.credit != 0 {
		if r.frameOfOurs() {
			r.credit -= min(r.credit, 1)
			return true
		}
		r.credit = 0
	}
	for !r.meet(look) {
	}
	if !r.gone {
		return false
	}
	if r.frameOfOurs() {
		return true
	}
	r.left = !r.buried
	return false
}

func (r *readerSide) frameOfOurs() bool {
	var it Item
	ok, err := r.c.Next(false, &it)
	if err != nil {
		r.s.fail("read: %w", err)
	}
	if err != nil || !ok {
		return false
	}
	r.got(&heldFrame{seq: it.Seq, data: r.c.Payload(it), ticket: it.Ticket})
	return true
}

// meet is Reader.meetWriter. It returns false if another writer has come meanwhile.
func (r *readerSide) meet(look bool) bool {
	o := r.s.seg.OIEB
	pid := o.WriterPID.Load()
	switch {
	case pid == 0:
		if r.buried && o.WrittenCount.Load() == r.count {
			return true
		}
		if r.seen != 0 || o.WrittenCount.Load() != 0 {
			r.gone, r.buried = true, false
		}
		r.seen = 0
		return true
	case pid == r.seen && !look:
		return true
	case r.s.alive && pid == r.s.writer:
		if pid != r.seen {
			r.seen, r.gone, r.buried = pid, false, false
		}
		return true
	}
	return r.bury(pid)
}

// bury is Reader.bury. That nothing comes between a look at the PID and the exchange behind it is
// what the 10 ms between a PID and the recovery are for.
func (r *readerSide) bury(pid uint64) bool {
	o := r.s.seg.OIEB
	r.last = o.WrittenCount.Load()
	r.c.Heal(pid)
	step("bury-heal")
	if tokens, waiters := r.s.space.State(); waiters > 0 && o.WriterPID.Load() == pid {
		r.s.space.ResetWaiters(tokens, waiters)
	}
	step("bury-waiters")
	if !o.WriterPID.CompareAndSwap(pid, 0) {
		return false
	}
	step("bury")
	r.seen, r.gone, r.buried, r.count = 0, true, true, r.last
	return true
}
