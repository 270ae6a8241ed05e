//go:build zbsteps

package ring

import (
	"errors"
	"fmt"
)

// end lets the reader read the rest and checks what must be true then: all frames have come, all
// space is back, and the next writer can write the largest frame.
func (s *scene) end() error {
	s.quiet = true
	last := s.parts[len(s.parts)-1].number
	if s.limits.noRoom > 0 {
		if err := s.p.Flush(); err != nil {
			return err
		}
		last = s.p.seq - 1
	}
	if err := s.drain(last); err != nil || s.err != nil {
		return err
	}
	if s.rd.expected-1 != last {
		return fmt.Errorf("frames up to %d were read, and %d were written", s.rd.expected-1, last)
	}
	if !s.foreign {
		s.rd.c.Heal(s.seg.OIEB.WriterPID.Load())
	}
	free := s.seg.OIEB.PayloadFree.Load()
	if free != s.size && !s.excused(free) {
		return fmt.Errorf("the ring has %d bytes and is drained, but %d are free", s.size, free)
	}
	if s.close {
		return nil
	}
	return s.nextWriter(last)
}

// drain reads until nobody moves any more. The time-outs of both sides come only where a token may
// be missing that a killed writer owed.
func (s *scene) drain(last uint64) error {
	for looks := 0; looks < 40; {
		s.rd.untilBlocked()
		switch {
		case s.err != nil:
			return s.err
		case s.rd.giveAll():
			continue
		case s.rd.ended || s.rd.expected > last && !s.p.Unsettled():
			return nil
		case s.kills == 0 && !s.close:
			return errors.New("both sides wait, and not all was read: a wake-up was lost")
		}
		looks++
		s.limits.looks++
		if !s.close {
			if err := s.p.Settle(); err != nil {
				return err
			}
		}
		if s.rd.woken = s.close || !s.foreign; s.rd.ended {
			return nil
		}
	}
	return nil
}

// excused tells whether space may be missing: towards a foreign reader, after a kill whose accounts
// the next writer could not see (contract 5a).
func (s *scene) excused(free uint64) bool {
	if !s.foreign || free > s.size {
		return false
	}
	if !s.doubtful {
		return false
	}
	s.limits.doubt++
	return true
}

// nextWriter attaches and writes the largest frame, which the reader gets.
func (s *scene) nextWriter(last uint64) error {
	s.recovering = false
	s.writer++
	s.alive = true
	s.seg.OIEB.WriterPID.Store(s.writer)
	p := NewProducer(s.seg, s.data, 0)
	rec, err := p.Attach(s.foreign)
	if err != nil {
		return fmt.Errorf("attach at the end: %w", err)
	}
	if rec.Sequence != last || rec.Unread != 0 {
		return fmt.Errorf("attach at the end: %+v after frame %d", rec, last)
	}
	most := p.MaxPayload()
	b, err := p.Open(most)
	switch {
	case err != nil:
		return err
	case b == nil && s.excused(s.seg.OIEB.PayloadFree.Load()):
		return nil
	case b == nil:
		return errors.New("the largest frame cannot be written on a drained ring")
	}
	s.tries[last+1] = []attempt{{s.writer, most}}
	for j := range b {
		b[j] = stamp(last+1, s.writer, j)
	}
	if err := p.Seal(most); err != nil {
		return err
	}
	if err := p.Flush(); err != nil {
		return err
	}
	s.rd.untilBlocked()
	s.rd.giveAll()
	if s.rd.expected-1 != last+1 {
		return errors.New("the largest frame does not come")
	}
	if free := s.seg.OIEB.PayloadFree.Load(); free != s.size && !s.excused(free) {
		return fmt.Errorf("%d of %d bytes are free after the largest frame", free, s.size)
	}
	return nil
}
