//go:build zbsteps

package ring

import (
	"errors"
	"iter"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// readerSide is the reader of a scene: ours, or a strict foreign one. It runs as a coroutine that
// stops at each of its steps.
type readerSide struct {
	s       *scene
	resume  func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	running bool
	place   string // where it has stopped
	history hash   // what it has seen since it began to look for a frame

	blocked bool // it waits for a token
	woken   bool // its time-out is over
	giving  bool // it has to release what it holds
	ended   bool // it knows that its writer has closed, and has read everything

	expected uint64
	held     []*heldFrame
	stamps   []uint64 // what held frames contain: who filled them

	// Ours only.
	c      *Consumer
	credit uint32
	seen   uint64 // writer that it has seen alive
	gone   bool   // its writer is dead or has closed: positions count
	buried bool
	count  uint64 // written_count when it buried a writer
	last   uint64 // written_count when it began to
	left   bool   // its writer has closed, and everything was read
}

var errStopped = errors.New("the run is over")

func newReaderSide(s *scene) *readerSide {
	r := &readerSide{s: s, expected: 1}
	loop := r.strict
	if !s.foreign {
		r.c, loop = NewConsumer(s.seg, s.space), r.ours
	}
	r.resume, r.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil && r != any(errStopped) {
				panic(r)
			}
		}()
		r.yield = yield
		loop()
		for len(r.held) > 0 {
			r.release(0)
		}
		if r.c != nil {
			r.c.GiveBack()
		}
		r.ended = true
	})
	return r
}

// at stops the reader until the scene lets it go on.
func (r *readerSide) at(name string) {
	r.place = name
	o := r.s.seg.OIEB
	switch name { // what it has in its local variables of the words that the writer changes
	case "look-write-pos":
		r.history = 0
		r.history.add(o.WritePos.Load())
	case "look-read-pos":
	case "look-free":
		r.history.add(o.PayloadFree.Load(), o.ReadPos.Load())
	default:
		r.history = 0
	}
	if !r.yield(struct{}{}) {
		panic(errStopped)
	}
}

// step lets the reader go on to its next step.
func (r *readerSide) step() {
	r.running = true
	r.resume()
	r.running = false
}

// runnable tells whether the reader is not waiting for something that has not come.
func (r *readerSide) runnable() bool {
	return !r.ended && (!r.blocked || r.s.data.tokens != 0 || r.woken || r.giving)
}

// untilBlocked lets the reader go on until it waits.
func (r *readerSide) untilBlocked() {
	for n := 0; r.runnable() && r.s.err == nil; n++ {
		if n == 10000 {
			r.s.fail("the reader goes round and round at %s", r.place)
		}
		r.step()
	}
}

// giveAll makes a reader that waits release what it holds, and reports whether that was anything.
func (r *readerSide) giveAll() bool {
	if len(r.held) == 0 || r.ended {
		return false
	}
	r.giving = true
	r.untilBlocked()
	return true
}

// block waits for a token, or for the scene.
func (r *readerSide) block() {
	r.s.data.waiters++
	r.blocked = true
	for first := true; first || !r.runnable(); first = false {
		r.at("blocked")
	}
	r.blocked = false
	r.s.data.waiters -= min(r.s.data.waiters, 1)
}

// gave releases everything if the scene wants it.
func (r *readerSide) gave() bool {
	if !r.giving {
		return false
	}
	for len(r.held) > 0 {
		r.release(0)
	}
	r.giving = false
	return true
}

// got is called with each frame that was read.
func (r *readerSide) got(h *heldFrame) {
	r.s.logf("read %d", h.seq)
	if h.seq != r.expected {
		r.s.fail("got frame %d, expected %d", h.seq, r.expected)
	}
	r.expected++
	writer, ok := r.s.whole(h)
	if !ok {
		r.s.fail("frame %d is torn: %d bytes %x", h.seq, len(h.data), h.data)
	}
	r.held, r.stamps = append(r.held, h), append(r.stamps, writer)
	for len(r.held) > r.s.hold && r.s.err == nil {
		n := 0
		if r.s.newest {
			n = len(r.held) - 1
		}
		r.release(n)
	}
}

// whole tells who has filled the frame, and whether it is one that was written so.
func (s *scene) whole(h *heldFrame) (writer uint64, ok bool) {
	for _, a := range s.tries[h.seq] {
		if filled(h, a) && (h.seq > s.promised || s.kept[h.seq] == a.writer) {
			return a.writer, true
		}
	}
	return 0, false
}

func filled(h *heldFrame, a attempt) bool {
	if uint64(len(h.data)) != a.size {
		return false
	}
	for j, b := range h.data {
		if b != stamp(h.seq, a.writer, j) {
			return false
		}
	}
	return true
}

// release gives back the n-th held frame, which must still be what it was.
func (r *readerSide) release(n int) {
	h, a := r.held[n], attempt{r.stamps[n], uint64(len(r.held[n].data))}
	if !filled(h, a) {
		r.s.fail("frame %d was overwritten while it was held", h.seq)
	}
	r.held = append(r.held[:n:n], r.held[n+1:]...)
	r.stamps = append(r.stamps[:n:n], r.stamps[n+1:]...)
	if r.s.foreign {
		r.s.seg.OIEB.PayloadFree.Add(h.total)
		step("add")
		_ = r.s.space.Post(1)
		step("give-back")
		return
	}
	// Now and then the space goes back late, as it does while frames come fast.
	if r.c.Release(h.ticket) == Due || h.seq%3 != 0 {
		r.c.GiveBack()
	}
}

// strict reads as the C++ and Python programs do (contract 4), each access a step of its own.
func (r *readerSide) strict() {
	o := r.s.seg.OIEB
	for {
		if r.s.data.Take(1) == 0 {
			r.block()
			late := r.woken
			r.woken = false
			if r.gave() || r.s.data.Take(1) == 0 {
				if late && o.WriterPID.Load() == 0 {
					return
				}
				continue
			}
		}
		step("token")
		if o.WriterPID.Load() == 0 && o.WrittenCount.Load() == o.ReadCount.Load() {
			return // the surplus token of a writer that closes
		}
		if h := r.frame(); h != nil {
			r.got(h)
		}
	}
}

// frame reads the next frame for a token.
func (r *readerSide) frame() *heldFrame {
	o, ring := r.s.seg.OIEB, r.s.seg.Payload
	size := uint64(len(ring))
	p := o.ReadPos.Load()
	if p+layout.HeaderSize > size {
		r.s.fail("a foreign reader is lost at %d of %d", p, size)
		return nil
	}
	if layout.ReadHeader(ring[p:]).Size == 0 {
		o.PayloadFree.Add(size - p)
		step("tail")
		o.ReadPos.Store(0)
		step("read-pos")
		o.ReadCount.Add(1)
		step("read-count")
		p = 0
	}
	h := layout.ReadHeader(ring[p:])
	total := layout.HeaderSize + h.Size
	if h.Seq != r.expected || h.Size == 0 || p+total > size {
		r.s.fail("sequence word at %d is %#x, expected %d; size %d", p, h.Seq, r.expected, h.Size)
		return nil
	}
	end := p + total
	if end == size {
		end = 0
	}
	step("header")
	o.ReadPos.Store(end)
	step("read-pos")
	o.ReadCount.Add(1)
	step("read-count")
	return &heldFrame{seq: h.Seq, at: p, data: ring[p+layout.HeaderSize : p+total], total: total}
}

// mix adds the private state of the reader.
func (r *readerSide) mix(h *hash) {
	h.text(r.place)
	h.flag(r.blocked, r.woken, r.giving, r.ended, r.gone, r.buried, r.left)
	h.add(r.expected, uint64(r.history), uint64(r.credit), r.seen, r.count, r.last)
	for i, f := range r.held {
		h.add(f.seq, r.stamps[i])
	}
	if r.c != nil {
		r.c.mix(h)
	}
}
