package ring

import (
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// sem is a semaphore whose waiters are set by the test.
type sem struct{ tokens, waiters uint32 }

func (s *sem) Take(limit uint32) uint32 {
	n := min(limit, s.tokens)
	s.tokens -= n
	return n
}

func (s *sem) Post(n uint32) error {
	if uint64(s.tokens)+uint64(n) > 0x7fffffff {
		return driver.ErrOverflow
	}
	s.tokens += n
	return nil
}

func (s *sem) State() (uint32, uint32) { return s.tokens, s.waiters }

func (s *sem) ResetWaiters(t, w uint32) bool {
	if s.tokens != t || s.waiters != w {
		return false
	}
	s.waiters = 0
	return true
}

// newSegment returns a fresh segment with a ring of exactly size bytes.
func newSegment(size uint64) layout.Segment {
	g := layout.Geometry{PayloadSize: size}
	seg, err := layout.Format(make([]byte, g.SegmentSize()), g, 1)
	if err != nil {
		panic(err)
	}
	return seg
}

// heldFrame is a frame that a reader has taken and not given back.
type heldFrame struct {
	seq    uint64
	at     uint64
	data   []byte
	total  uint64
	ticket uint64 // of a reader of ours
}

// pattern is the byte j of frame seq.
func pattern(seq uint64, j int) byte { return byte(seq*31 + uint64(j)*7 + 1) }

func (h heldFrame) check() error {
	for j, b := range h.data {
		if b != pattern(h.seq, j) {
			return fmt.Errorf("frame %d: byte %d of %d is %#x, want %#x",
				h.seq, j, len(h.data), b, pattern(h.seq, j))
		}
	}
	return nil
}

// reader is what a test drives: a strict foreign one, or ours.
type reader interface {
	// read makes one step of reading and reports a frame when one was taken.
	read() (*heldFrame, error)
	// release makes the frame free again.
	release(h *heldFrame)
	foreign() bool
	// afterKill does what the reader does when it sees that its writer is dead.
	afterKill()
}

// strictReader reads as the C++ and Python programs do (contract 4): a token, the marker, the
// header, one step each. It trusts nothing but the order that the contract promises.
type strictReader struct {
	seg         layout.Segment
	data, space *sem
	expected    uint64
	stage       int // 0 waits, 1 has a token, 2 has added the tail, 3 is behind the marker
}

func newStrictReader(seg layout.Segment, data, space *sem) *strictReader {
	return &strictReader{seg: seg, data: data, space: space, expected: 1}
}

func (r *strictReader) foreign() bool { return true }
func (r *strictReader) afterKill()    {}

func (r *strictReader) read() (*heldFrame, error) {
	o, size := r.seg.OIEB, uint64(len(r.seg.Payload))
	switch r.stage {
	case 0:
		r.data.waiters = 1
		if r.data.Take(1) == 1 {
			r.data.waiters = 0
			r.stage = 1
		}
	case 1:
		p := o.ReadPos.Load()
		if p+layout.HeaderSize > size {
			return nil, fmt.Errorf("a foreign reader is lost at %d of %d", p, size)
		}
		if layout.ReadHeader(r.seg.Payload[p:]).Size != 0 {
			return r.take(p)
		}
		o.PayloadFree.Add(size - p)
		r.stage = 2
	case 2:
		o.ReadPos.Store(0)
		o.ReadCount.Add(1)
		r.stage = 3
	case 3:
		return r.take(0)
	}
	return nil, nil
}

func (r *strictReader) take(p uint64) (*heldFrame, error) {
	o, size := r.seg.OIEB, uint64(len(r.seg.Payload))
	h := layout.ReadHeader(r.seg.Payload[p:])
	total := layout.HeaderSize + h.Size
	switch {
	case h.Seq != r.expected:
		return nil, fmt.Errorf("sequence word at %d is %#x, expected %d", p, h.Seq, r.expected)
	case h.Size == 0 || p+total > size:
		return nil, fmt.Errorf("frame %d at %d has %d bytes", h.Seq, p, h.Size)
	}
	end := p + total
	if end >= size {
		end -= size
	}
	o.ReadPos.Store(end)
	o.ReadCount.Add(1)
	r.expected++
	r.stage = 0
	data := r.seg.Payload[p+layout.HeaderSize : p+total]
	f := &heldFrame{seq: h.Seq, at: p, data: data, total: total}
	return f, f.check()
}

func (r *strictReader) release(h *heldFrame) {
	r.seg.OIEB.PayloadFree.Add(h.total)
	_ = r.space.Post(1)
}

// ourReader reads through a Consumer, with the token rules of package zerobuffer.
type ourReader struct {
	c      *Consumer
	data   *sem
	credit uint32
	over   bool // the writer is dead: positions count
}

func (r *ourReader) foreign() bool { return false }

func (r *ourReader) afterKill() {
	r.c.Heal(r.c.oieb.WriterPID.Load())
	r.over = true
}

func (r *ourReader) read() (*heldFrame, error) {
	if r.credit == 0 {
		r.credit = r.data.Take(1 << 30)
	}
	r.data.waiters = 0
	if r.credit == 0 && !r.over {
		r.c.GiveBack() // before it blocks
		r.data.waiters = 1
		return nil, nil
	}
	var it Item
	ok, err := r.c.Next(false, &it)
	if err != nil || !ok {
		r.credit = 0
		return nil, err
	}
	r.credit -= min(r.credit, 1)
	f := &heldFrame{seq: it.Seq, data: r.c.Payload(it), ticket: it.Ticket}
	return f, f.check()
}

// release gives back late now and then, as the reader does while frames come fast.
func (r *ourReader) release(h *heldFrame) {
	if r.c.Release(h.ticket) == Due || h.seq%3 != 0 {
		r.c.GiveBack()
	}
}
