//go:build linux

package stress

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A writer and a reader do what they like, and are paused and killed while they do it; a killed one
// is replaced by a fresh process. Every frame whose write has returned is read once, in order and
// whole, unless it went down with the buffer of a killed reader; a frame that was cut by a kill is
// read once or not at all; no frame fails in part; no frame changes while it is held; all space
// comes back.
func TestScheduleCrossProcess(t *testing.T) {
	for i, k := range simpleKinds {
		t.Run(k.name, func(t *testing.T) {
			p, limit := newPlace(t, i), newBudget(4*time.Second)
			var begun, rounds, kills, pauses, frames atomic.Int64
			var all sync.WaitGroup
			for range 8 { // each of which waits most of the time
				all.Go(func() {
					// A round that fails ends its goroutine.
					for !t.Failed() && limit.more(int(begun.Add(1)-1)) {
						s := schedule{t: t, place: p, seed: rand.Uint64()}
						s.run()
						rounds.Add(1)
						kills.Add(int64(len(s.writers) + len(s.readers) - 2))
						pauses.Add(int64(s.pauses))
						frames.Add(int64(s.frames))
					}
				})
			}
			all.Wait()
			t.Logf("%d rounds, %d kills, %d pauses, %d frames read",
				rounds.Load(), kills.Load(), pauses.Load(), frames.Load())
		})
	}
}

// schedule is one round.
type schedule struct {
	*rand.Rand
	t       *testing.T
	place   place
	name    string
	seed    uint64
	step    int      // between the sizes of two rings
	writers []*actor // the last one is alive
	readers []*actor
	pauses  int
	frames  int // that were read
}

// actor is one process of a round.
type actor struct {
	*program
	shared  *area
	journal journal
}

// run does the round and compares what the processes have noted with the model.
func (s *schedule) run() {
	s.Rand = rand.New(rand.NewPCG(s.seed, 0))
	s.name = fmt.Sprintf("%s%x", prefix, s.seed)
	s.step = 64 * (1 + s.IntN(3)*s.IntN(8))
	if s.IntN(8) == 0 {
		s.step = 512 << 10 // so large that a writer starts again at 0 whenever it is drained
	}
	defer func() {
		for _, a := range append(s.writers, s.readers...) {
			a.kill()
			a.shared.close()
		}
	}()
	s.startReader()
	s.startWriter()
	for range s.IntN(4) {
		s.disturb()
	}
	writer, reader := s.last(s.writers), s.last(s.readers)
	s.awaitEnd(writer, reader)
	reader.finish()
	s.awaitEnd(reader, reader)
	if err := history(s.lives(s.writers), s.lives(s.readers)); err != nil {
		s.t.Fatalf("seed %d: %v\n%s", s.seed, err, s.dump())
	}
	s.place.requireGone(s.t, s.name)
	for _, r := range s.readers {
		s.frames += len(r.journal.entries()) - 1
	}
}

// awaitEnd waits until a process has come to its end. If the other one ends first it has found a
// fault, and has printed it.
func (s *schedule) awaitEnd(a, other *actor) {
	hung := time.NewTimer(watchdog)
	defer hung.Stop()
	select {
	case <-a.ended:
		if a.err == nil {
			return
		}
	case <-other.ended:
		if a == other && a.err == nil {
			return
		}
	case <-hung.C:
		a.signal(unix.SIGQUIT) // shows where it hangs
		<-a.ended
	}
	s.t.Fatalf("seed %d: writer: %v, reader: %v\n%s", s.seed, s.last(s.writers).exit(),
		s.last(s.readers).exit(), s.dump())
}

// exit tells how a process has ended.
func (a *actor) exit() string {
	if a.hasEnded() {
		return fmt.Sprint(a.err)
	}
	return "runs"
}

func (s *schedule) last(all []*actor) *actor { return all[len(all)-1] }

// startReader starts a reader whose ring has another size than all before it in this round.
func (s *schedule) startReader() {
	ring := s.step*len(s.readers) + 64*(1+s.IntN(s.step/64))
	s.readers = append(s.readers, s.start("reader", fmt.Sprint(s.Uint64()), fmt.Sprint(ring)))
}

func (s *schedule) startWriter() {
	patience := "0"
	if s.IntN(3) == 0 {
		patience = (time.Millisecond + time.Duration(s.IntN(5000))*time.Microsecond).String()
	}
	s.writers = append(s.writers, s.start("writer", fmt.Sprint(s.Uint64()),
		fmt.Sprint(1+s.IntN(100)), patience))
}

func (s *schedule) start(role string, args ...string) *actor {
	shared := newArea(s.t, journalWords)
	args = append(append(s.place.args(), s.name), args...)
	return &actor{launch(s.t, shared, role, args...), shared, shared.words}
}

// disturb pauses or kills one side at a random moment of its work.
func (s *schedule) disturb() {
	side := &s.writers
	if s.IntN(3) == 0 {
		side = &s.readers
	}
	a := s.last(*side)
	s.awaitMoment(a)
	if s.IntN(3) > 0 {
		s.replace(side)
		return
	}
	s.pauses++
	a.signal(unix.SIGSTOP)
	if s.IntN(3) == 0 {
		s.replace(s.otherThan(side)) // the new one meets a peer that does not answer
	}
	pause := time.Duration(s.IntN(5)) * time.Millisecond
	if s.IntN(10) == 0 {
		pause = 250 * time.Millisecond // longer than any look at the peer
	}
	time.Sleep(pause)
	a.signal(unix.SIGCONT)
}

// awaitMoment returns at a random moment of the work of a process: some time after it has noted
// something, or right then, because what it notes first of a frame is that it begins to write it.
func (s *schedule) awaitMoment(a *actor) {
	moment, atOnce := uint64(s.IntN(80)), s.IntN(2) == 0
	for end := time.Now().Add(100 * time.Millisecond); a.journal[0].Load() < moment; {
		switch {
		case time.Now().After(end) || a.hasEnded():
			return
		case atOnce:
			runtime.Gosched()
		default:
			time.Sleep(20 * time.Microsecond)
		}
	}
	if !atOnce {
		time.Sleep(time.Duration(s.IntN(300)) * time.Microsecond)
	}
}

func (s *schedule) otherThan(side *[]*actor) *[]*actor {
	if side == &s.writers {
		return &s.readers
	}
	return &s.writers
}

// replace kills a side and starts a fresh process in its place.
func (s *schedule) replace(side *[]*actor) {
	s.last(*side).kill()
	if side == &s.writers {
		s.startWriter()
	} else {
		s.startReader()
	}
}

func (a *actor) hasEnded() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

// lives are the notes of processes that have ended.
func (s *schedule) lives(all []*actor) (lives []life) {
	for i, a := range all {
		// One that was killed has said nothing: what is printed is a fault.
		killed := a.err != nil && a.ProcessState.Sys().(syscall.WaitStatus).Signaled()
		if a.err != nil && !killed {
			s.t.Fatalf("seed %d: process %d of %d found a fault: %v\n%s",
				s.seed, i, len(all), a.err, s.dump())
		}
		lives = append(lives, life{a.journal.entries(), killed})
	}
	return lives
}

// dump is everything that was noted, for a round that failed.
func (s *schedule) dump() string {
	var b strings.Builder
	for _, all := range [][]*actor{s.writers, s.readers} {
		for i, a := range all {
			fmt.Fprintf(&b, "process %d: %s\n", i, a.exit())
			for _, e := range a.journal.entries() {
				fmt.Fprintln(&b, "  ", e)
			}
		}
	}
	return b.String()
}
