//go:build zbsteps

package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

var errKilled = errors.New("killed")

// world is one ring, a writer that is killed and replaced, a reader that runs between its steps,
// and what must be true of them.
type world struct {
	rnd         *rand.Rand
	seg         layout.Segment
	data, space *sem
	rd          reader
	p           *Producer
	lap         int64
	inReader    bool
	killable    bool
	recovering  bool // the writer is attaching
	kills       int
	held        []*heldFrame
	maxHeld     int
	next        uint64 // number of the next frame that the reader gets
	promised    uint64 // last number whose write returned
	doubt       bool
	err         error
	log         []string
}

func newWorld(seed uint64, size uint64, foreign bool) *world {
	w := &world{
		rnd: rand.New(rand.NewPCG(seed, size)), seg: newSegment(size),
		data: &sem{}, space: &sem{}, next: 1,
	}
	w.maxHeld = 1 + w.rnd.IntN(3)
	if w.rnd.IntN(3) == 0 {
		w.lap = int64(w.rnd.IntN(int(size)) + 1)
	}
	if foreign {
		w.rd = newStrictReader(w.seg, w.data, w.space)
	} else {
		w.rd = &ourReader{c: NewConsumer(w.seg, w.space), data: w.data}
	}
	return w
}

func (w *world) logf(f string, a ...any) { w.log = append(w.log, fmt.Sprintf(f, a...)) }

// atStep is called between any two stores of the writer or of our reader.
func (w *world) atStep(name string) {
	if w.inReader || w.err != nil {
		return
	}
	for w.rnd.IntN(3) == 0 {
		w.readerStep()
	}
	if w.killable && w.rnd.IntN(40) == 0 {
		w.logf("KILL at %s", name)
		// The second writer cannot know that the first one was killed in the accounts as well.
		w.doubt = w.doubt || w.rd.foreign() && w.recovering
		panic(errKilled)
	}
}

// readerStep lets the reader read or release something.
func (w *world) readerStep() {
	w.inReader = true
	defer func() { w.inReader = false }()
	if len(w.held) > 0 && (len(w.held) >= w.maxHeld || w.rnd.IntN(2) == 0) {
		w.releaseOldest()
		return
	}
	h, err := w.rd.read()
	if err != nil {
		w.fail(err)
	} else if h != nil {
		w.logf("read %d", h.seq)
		if h.seq != w.next {
			w.fail(fmt.Errorf("got frame %d, expected %d", h.seq, w.next))
		}
		w.next++
		w.held = append(w.held, h)
	}
}

func (w *world) releaseOldest() {
	h := w.held[0]
	w.held = w.held[1:]
	if err := h.check(); err != nil {
		w.fail(fmt.Errorf("while held: %w", err))
	}
	w.logf("release %d", h.seq)
	w.rd.release(h)
}

func (w *world) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// attempt runs f and reports whether the writer survived it.
func (w *world) attempt(f func() error) (alive bool) {
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); !ok || !errors.Is(err, errKilled) {
				panic(r)
			}
			w.kills++
			w.p = nil
		}
	}()
	if err := f(); err != nil {
		w.fail(err)
	}
	return true
}

// attach brings a new writer, which may be killed as well.
func (w *world) attach() {
	if w.kills > 0 && !w.rd.foreign() && w.rnd.IntN(2) == 0 {
		w.inReader = true
		w.rd.afterKill()
		w.inReader = false
		for w.rnd.IntN(2) == 0 {
			w.readerStep()
		}
	}
	if o, ok := w.rd.(*ourReader); ok {
		o.over = false
	}
	w.recovering = true
	defer func() { w.recovering = false }()
	w.attempt(func() error {
		p := NewProducer(w.seg, w.data, w.lap)
		rec, err := p.Attach(w.rd.foreign())
		if err != nil {
			return err
		}
		w.logf("attach %+v", rec)
		w.doubt = w.doubt || p.Doubt() != 0
		if rec.Sequence < w.promised {
			return fmt.Errorf("goes on after %d, but %d was promised", rec.Sequence, w.promised)
		}
		w.p = p
		return nil
	})
}

// write writes a batch of 1 to 3 frames, in one of the ways of the API.
func (w *world) write() {
	w.attempt(func() error {
		if err := w.p.Settle(); err != nil {
			return err
		}
		for range 1 + w.rnd.IntN(3)/2 {
			n := 1 + w.rnd.Uint64N(w.p.MaxPayload())
			if w.rnd.IntN(2) == 0 {
				n = 1 + w.rnd.Uint64N(min(n, 24))
			}
			if w.rnd.IntN(2) == 0 {
				if done, err := w.put(n); err != nil {
					return err
				} else if done {
					continue
				}
			}
			if !w.rd.foreign() && w.rnd.IntN(3) == 0 {
				if err := w.p.planAhead(layout.HeaderSize + n); err != nil {
					return err
				}
			}
			b, err := w.p.Open(n)
			if err != nil || b == nil {
				return errors.Join(err, w.p.Flush())
			}
			if w.rnd.IntN(8) == 0 {
				w.p.Abandon()
				continue
			}
			if w.rnd.IntN(4) == 0 {
				b = b[:1+w.rnd.IntN(len(b))]
			}
			for j := range b {
				b[j] = pattern(w.p.seq, j)
			}
			w.atStep("payload")
			if err := w.p.Seal(uint64(len(b))); err != nil {
				return err
			}
			w.logf("sealed %d, %d bytes at %d", w.p.seq-1, len(b), w.p.pos)
		}
		if err := w.p.Flush(); err != nil {
			return err
		}
		w.promised = w.p.seq - 1
		return nil
	})
}

// put writes a frame of n bytes in one of the short ways, if it can go there.
func (w *world) put(n uint64) (bool, error) {
	b := make([]byte, n)
	for j := range b {
		b[j] = pattern(w.p.seq, j)
	}
	now := w.rnd.IntN(2) == 0
	done, err := putEither(w.p, b, now)
	if done && err == nil && now {
		w.promised = w.p.seq - 1
	}
	w.logf("put %v, now %v, %d bytes, seq %d", done, now, n, w.p.seq)
	return done, err
}

// run makes some hundred random steps and then drains the ring.
func (w *world) run(steps int) error {
	onStep(w.atStep)
	w.killable = true
	for range steps {
		if w.err != nil {
			return w.err
		}
		switch {
		case w.p == nil:
			w.attach()
		case w.rnd.IntN(3) == 0:
			w.readerStep()
		default:
			w.write()
		}
	}
	return w.drain()
}

// drain lets a writer come that lives, reads everything and checks that nothing is missing and
// that all space is back.
func (w *world) drain() error {
	w.killable = false
	for w.p == nil && w.err == nil {
		w.attach()
	}
	for range 200 {
		if w.err != nil {
			return w.err
		}
		w.inReader = true
		if h, err := w.rd.read(); err != nil {
			w.fail(err)
		} else if h != nil {
			if h.seq != w.next {
				w.fail(fmt.Errorf("got frame %d, expected %d", h.seq, w.next))
			}
			w.next++
			w.held = append(w.held, h)
		}
		for len(w.held) > 0 {
			w.releaseOldest()
		}
		w.inReader = false
		w.fail2(w.p.Settle())
	}
	if w.next <= w.promised {
		return fmt.Errorf("frames %d..%d were promised and never came", w.next, w.promised)
	}
	if !w.rd.foreign() {
		w.inReader = true
		w.rd.(*ourReader).c.Heal(w.seg.OIEB.WriterPID.Load())
		w.inReader = false
	}
	free, size := w.seg.OIEB.PayloadFree.Load(), uint64(len(w.seg.Payload))
	if free != size && !w.doubt {
		return fmt.Errorf("ring of %d bytes is drained, but %d are free", size, free)
	}
	if w.err == nil && !w.doubt {
		return w.fillUp()
	}
	return w.err
}

func (w *world) fail2(err error) {
	if err != nil {
		w.fail(err)
	}
}

// fillUp checks that the largest frame can be written.
func (w *world) fillUp() error {
	w.p.Abandon()
	b, err := w.p.Open(w.p.MaxPayload())
	if err == nil && b == nil {
		err = errors.New("the largest frame cannot be written on a drained ring")
	}
	w.p.Abandon()
	return err
}

// TestKillAnywhere kills the writer at random steps while a reader runs between them.
func TestKillAnywhere(t *testing.T) {
	runs := 40000
	if s := os.Getenv("ZEROBUFFER_RUNS"); s != "" {
		runs, _ = strconv.Atoi(s)
	}
	for _, foreign := range []bool{false, true} {
		t.Run(map[bool]string{false: "our-reader", true: "foreign-reader"}[foreign], func(t *testing.T) {
			kills, doubts := 0, 0
			for seed := range uint64(runs) {
				size := 64 + 8*(seed%9) + seed%7
				w := newWorld(seed, size, foreign)
				if err := w.run(60); err != nil {
					o := w.seg.OIEB
					for _, l := range w.log {
						t.Log(l)
					}
					t.Fatalf("seed %d, ring %d: %v (R %d W %d F %d tokens %d)", seed, size, err,
						o.ReadPos.Load(), o.WritePos.Load(), o.PayloadFree.Load(), w.data.tokens)
				}
				kills += w.kills
				if w.doubt {
					doubts++
				}
			}
			t.Logf("%d runs, %d kills, %d runs with space in doubt", runs, kills, doubts)
		})
	}
}
