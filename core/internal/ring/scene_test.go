//go:build zbsteps

package ring

import (
	"errors"
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// What ends a run or a writer.
var (
	errKnown  = errors.New("the state is known")
	errFailed = errors.New("the run has failed")
	errNoRoom = errors.New("the space that is in doubt leaves no room")
)

// attempt is one try to write a frame: each writer fills frames in its own way.
type attempt struct{ writer, size uint64 }

// scene is one run of a plan: a ring, a writer with its successors, a reader that is stopped at
// each of its steps, and what must be true of them.
type scene struct {
	*paths
	plan
	seg         layout.Segment
	mem         []byte
	data, space *sem
	p           *Producer
	rd          *readerSide

	quiet      bool // nothing is decided
	alive      bool // there is a writer
	doubtful   bool // space may have been subtracted twice
	recovering bool // a successor attaches
	finished   bool // a writer has written everything
	eager      bool // once nothing is decided, the reader runs as soon as it can
	part       int  // the next one
	writer     uint64
	kills      int
	history    hash // what the writer has seen since its part began

	tries    map[uint64][]attempt
	promised uint64            // last number whose write returned
	kept     map[uint64]uint64 // who wrote the promised frames
	limits   limits
	ahead    int // frames that were written ahead
	begun    int // laps that began with them
	err      error
	log      []string
}

// limits counts how often a known limit of the contract excused something.
type limits struct {
	doubt  int // space that may be subtracted twice is missing at the end
	noRoom int // the same leaves no room for a frame
	looks  int // looks after a time-out, of a writer or of the reader
}

func newScene(p *paths, pl plan) *scene {
	g := layout.Geometry{PayloadSize: pl.size}
	mem := make([]byte, g.SegmentSize())
	seg, err := layout.Format(mem, g, 1)
	if err != nil {
		panic(err)
	}
	s := &scene{
		paths: p, plan: pl, mem: mem, seg: seg, data: &sem{}, space: &sem{},
		tries: map[uint64][]attempt{}, kept: map[uint64]uint64{},
	}
	s.rd = newReaderSide(s)
	return s
}

func (s *scene) logf(f string, a ...any) { s.log = append(s.log, fmt.Sprintf(f, a...)) }

func (s *scene) fail(f string, a ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(f, a...)
	}
}

// run plays one run and returns what it has found. counted tells whether it was played to its end.
func (s *scene) run() (counted bool, err error) {
	onStep(s.at)
	defer onStep(nil)
	defer s.rd.stop()
	for s.err == nil && !s.finished {
		if !s.attempt(s.life) {
			return false, nil
		}
	}
	if s.err == nil && !s.attempt(s.end) {
		return false, nil
	}
	return true, s.err
}

// attempt runs a writer until it ends or is killed. It returns false if the run is not worth going
// on.
func (s *scene) attempt(f func() error) (goOn bool) {
	defer func() {
		switch r := recover(); r {
		case nil, errFailed:
			goOn = true
		case errKnown:
		case errNoRoom:
			s.finished, goOn = true, true
			s.limits.noRoom++
		case errKilled:
			goOn = s.killed()
		default:
			panic(r)
		}
	}()
	if err := f(); err != nil {
		s.fail("%w", err)
	}
	return true
}

// killed is what comes between a kill and the next writer: the reader stays where it is over the
// recovery, or goes on until it waits, and ours may notice the death. It returns false if all that
// has been tried.
func (s *scene) killed() bool {
	s.kills++
	s.recovering, s.alive, s.p, s.history = false, false, nil, 0
	if s.known(s.key("killed")) {
		return false
	}
	of := 3
	if s.foreign {
		of = 2
	}
	n := s.pick(of)
	if n > 0 {
		s.rd.untilBlocked()
	}
	if n > 1 {
		s.rd.woken = true
		s.rd.untilBlocked()
	}
	s.eager = s.pick(2) == 0
	return true
}

// life is what a writer does from its attach to the last part.
func (s *scene) life() error {
	if err := s.attach(); err != nil {
		return err
	}
	for s.part < len(s.parts) {
		s.quiet = s.part < s.before
		if err := s.write(&s.parts[s.part]); err != nil {
			return err
		}
		s.part++
		if s.quiet {
			s.rd.untilBlocked()
			s.rd.giveAll()
		}
	}
	if s.close {
		s.closeWriter()
	}
	s.finished = true
	return nil
}

// attach is what package zerobuffer does when a writer comes: claim, waiters, recovery.
func (s *scene) attach() error {
	s.writer++
	s.recovering = s.writer > 1
	s.quiet = !s.recovering
	p := NewProducer(s.seg, s.data, 0)
	if o := s.seg.OIEB; s.foreign && o.WriterPID.Load() == 0 && o.WrittenCount.Load() != 0 {
		first := p.DropSurplus()
		s.rd.untilBlocked() // it has 20 ms for that
		if err := errors.Join(first, p.DropSurplus()); err != nil {
			return err
		}
	}
	s.alive = true
	s.seg.OIEB.WriterPID.Store(s.writer)
	step("claim-pid")
	for {
		tokens, waiters := s.space.State()
		if waiters == 0 || s.space.ResetWaiters(tokens, waiters) {
			break
		}
	}
	step("reset-waiters")
	rec, err := p.Attach(s.foreign)
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	s.logf("writer %d attached: %+v", s.writer, rec)
	if rec.Sequence < s.promised {
		return fmt.Errorf("goes on after %d, but %d was promised", rec.Sequence, s.promised)
	}
	s.doubtful = s.doubtful || p.Doubt() != 0
	s.recovering = false
	s.p, s.part = p, 0
	for s.part < len(s.parts) && s.parts[s.part].number <= rec.Sequence {
		s.part++
	}
	return nil
}

// write writes one part in the way of the API.
func (s *scene) write(pt *part) error {
	s.history = 0
	if pt.ahead && !s.foreign {
		if err := s.p.planAhead(layout.HeaderSize + pt.open); err != nil {
			return err
		}
	}
	b, err := s.open(pt.open)
	if err != nil {
		return err
	}
	s.history = 0
	if pt.seal == 0 {
		s.p.Abandon()
		return nil
	}
	seq := s.p.seq
	s.tries[seq] = append(s.tries[seq], attempt{s.writer, pt.seal})
	b = b[:pt.seal]
	for j := range b {
		if j == len(b)/2 {
			step("half")
		}
		b[j] = stamp(seq, s.writer, j)
	}
	step("payload")
	ahead := s.p.open.ahead
	if err := s.p.Seal(pt.seal); err != nil {
		return err
	}
	if ahead {
		s.ahead++
		if s.p.pos == layout.HeaderSize+pt.seal {
			s.begun++
		}
	}
	if pt.more {
		return nil
	}
	if err := s.p.Flush(); err != nil {
		return err
	}
	for n := s.promised + 1; n <= seq; n++ {
		tries := s.tries[n]
		s.kept[n] = tries[len(tries)-1].writer
	}
	s.promised = seq
	s.logf("wrote up to %d, write_pos %d", seq, s.p.pos)
	return nil
}

// open finds room as Writer.room does.
func (s *scene) open(n uint64) ([]byte, error) {
	for looks := 0; ; {
		if err := s.p.Settle(); err != nil {
			return nil, err
		}
		b, err := s.p.Open(n)
		if b != nil || err != nil {
			return b, err
		}
		if s.space.Take(1<<30) != 0 {
			step("take-space")
			continue
		}
		if s.waitForSpace() {
			continue
		}
		switch looks++; {
		case looks <= 40:
		case s.foreign && s.doubtful:
			panic(errNoRoom)
		default:
			return nil, fmt.Errorf("no room for %d bytes, and nobody moves", n)
		}
	}
}

// waitForSpace blocks until there is a token, or until nobody moves and a time-out would come.
func (s *scene) waitForSpace() bool {
	s.space.waiters++
	step("wait-space")
	for s.space.tokens == 0 {
		switch {
		case s.rd.runnable():
			if s.mayKill() {
				if s.known(s.key("blocked")) {
					panic(errKnown)
				}
				if s.pick(2) == 1 {
					s.kill("blocked")
				}
			}
			s.rd.step()
		case s.rd.giveAll():
		default:
			s.space.waiters--
			if s.kills == 0 {
				s.fail("the writer waits for room, and the reader for frames: a wake-up was lost")
				panic(errFailed)
			}
			s.limits.looks++
			return false
		}
		if s.err != nil {
			panic(errFailed)
		}
	}
	s.space.Take(1 << 30)
	s.space.waiters -= min(s.space.waiters, 1)
	step("take-space")
	return true
}

// closeWriter is what Writer.Close does.
func (s *scene) closeWriter() {
	if err := errors.Join(s.p.Flush(), s.p.Settle()); err != nil {
		s.fail("%w", err)
	}
	wake := !s.foreign
	for range 3 {
		if wake = wake || s.p.QuietReader(); wake {
			break
		}
		s.rd.untilBlocked()
	}
	s.seg.OIEB.WriterPID.CompareAndSwap(s.writer, 0)
	s.alive = false
	step("resign")
	if wake {
		_ = s.data.Post(1)
		step("resign-post")
	}
}

// stamp is byte j of frame seq as a writer fills it.
func stamp(seq, writer uint64, j int) byte {
	return byte(seq*31 + writer*101 + uint64(j)*7 + 1)
}
