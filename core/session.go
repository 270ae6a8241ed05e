package zerobuffer

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/internal/release"
	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// session is what a Reader and a Writer have in common: a channel, one call at a time, and an end
// that may come from any goroutine. It knows nothing of its owner, so that an owner that was
// dropped without Close can be collected and cleaned up.
type session struct {
	name string
	role driver.Role
	ch   driver.Channel
	seg  layout.Segment
	log  *slog.Logger
	sem  driver.Semaphore // the one that this side waits on
	peer driver.Semaphore // the one that the other side waits on
	pid  uint64

	memory MemoryStatus // set once, before anyone else has the session

	busy     atomic.Uint64 // see the states below
	through  bool          // that call has done its work, so leave need not ask for a panic
	closed   atomic.Bool   // Close was called
	blocks   atomic.Uint64 // odd while the call in progress is in, or just before, sem.Wait
	detached atomic.Bool   // names and claims are given up; only frames may use the memory

	mapped   sync.RWMutex // read-locked by those who look at the memory beside the call
	unmapped bool

	peerEnded atomic.Bool // the peer's process has ended: ask at once whether it is dead
	told      atomic.Bool // the watch has told that, and tells nothing more
	unwatch   func()      // ends the watch of the peer's process, nil if it is not watched

	beforeUnmap func() // ends what looks at the memory by itself, nil for none

	watch    watcher
	spin     spin.Spinner
	arrived  func() uint32 // looks for new tokens: takeAll or fresh
	ours     bool          // the peer is there and ours: it tells when it closes, its tokens can wait
	used     uint32        // tokens that are still in sem and stand for nothing any more
	lastLook time.Time

	unclocked int // waits since the clock was looked at
}

// The states of session.busy.
const (
	callNone    = iota // no call is in progress
	callRunning        // one is, or Close was called
	callFaulted        // one has met memory that is gone, and none may follow but Close
	callAside          // a short one of another goroutine, see aside; the next one waits for it
)

func newSession(
	name string, role driver.Role, ch driver.Channel, mode WaitMode, log *slog.Logger,
) *session {
	s := &session{
		name: name, role: role, ch: ch,
		log: log.With("buffer", name, "role", role.String()),
		sem: ch.DataReady(), peer: ch.SpaceReady(),
		pid: ch.Liveness().PID(),
	}
	s.arrived = s.fresh
	if role == driver.Writer {
		s.sem, s.peer = s.peer, s.sem
		s.arrived = s.takeAll
	}
	s.watch.session = s
	s.spin.Mode = mode.spin()
	return s
}

// enter begins a call. If it returns nil, leave is deferred next, with the result of guard.
func (s *session) enter() error {
	if s.busy.CompareAndSwap(callNone, callRunning) {
		return nil
	}
	return s.enterLate()
}

// enterLate is enter when something is in progress.
func (s *session) enterLate() error {
	for {
		switch s.busy.Load() {
		case callNone: // it was aside, and has just ended
			if s.busy.CompareAndSwap(callNone, callRunning) {
				return nil
			}
		case callAside:
			runtime.Gosched()
		default:
			return s.refusal()
		}
	}
}

// aside calls f as a call of this side, unless one is in progress. For those who look on beside the
// call, and must not refuse it.
func (s *session) aside(f func()) error {
	if !s.busy.CompareAndSwap(callNone, callAside) {
		return nil
	}
	defer s.busy.Store(callNone)
	return s.look(func() error { f(); return nil })
}

// refusal is why no call may begin now.
func (s *session) refusal() error {
	switch {
	case s.closed.Load():
		return ErrClosed
	case s.busy.Load() == callFaulted:
		return s.errorf("use", ErrSegmentTruncated)
	}
	return ErrConcurrentUse
}

// leave ends a call, and puts into err what [faultIn] makes of a panic.
func (s *session) leave(before bool, err *error) {
	debug.SetPanicOnFault(before)
	if s.through {
		s.through = false
		release.Store(&s.busy, callNone)
		return
	}
	r := recover()
	if r == nil {
		release.Store(&s.busy, callNone)
		return
	}
	fault := faultIn(s.ch, r)
	if fault == nil {
		s.busy.Store(callNone)
		panic(r)
	}
	s.busy.Store(callFaulted)
	*err = s.errorf("use", fault)
}

// seize ends the call in progress, if there is one, and keeps all later ones out. It returns
// false if that was done before.
func (s *session) seize() bool {
	if !s.closed.CompareAndSwap(false, true) {
		return false
	}
	for !s.busy.CompareAndSwap(callNone, callRunning) &&
		!s.busy.CompareAndSwap(callFaulted, callRunning) {
		s.endBlock()
		time.Sleep(100 * time.Microsecond)
	}
	if s.role == driver.Writer {
		openWriters.Add(-1)
		answering.Store(nil) // if it is that of another Writer, that comes back with the next lap
	}
	s.watch.stop()
	s.endWatch()
	if s.beforeUnmap != nil {
		s.beforeUnmap()
	}
	return true
}

// watchPeer makes the end of the process pid end a blocked call, instead of any process that was
// watched before. It is for the call in progress.
func (s *session) watchPeer(pid uint64) {
	s.endWatch()
	s.told.Store(false)
	s.unwatch = s.ch.Liveness().Watch(pid, func() {
		s.told.Store(true)
		s.peerEnded.Store(true)
		s.endBlock()
	})
}

// endWatch ends the watch of the peer's process, if there is one.
func (s *session) endWatch() {
	if s.unwatch != nil {
		s.unwatch()
		s.unwatch = nil
	}
}

// endBlock wakes the block in progress, if there is one, until it has ended. A wake is lost on a
// waiter that is just going to sleep, so it is repeated. The next block is left alone: it has
// looked at everything that could end it after this one.
func (s *session) endBlock() {
	for block := s.blocks.Load(); block%2 == 1 && s.wake(block); {
		time.Sleep(wakeEvery)
	}
}

// wake wakes the given block, or returns false if it has ended. After that the semaphore may be
// another one, or gone.
func (s *session) wake(block uint64) bool {
	s.mapped.RLock()
	defer s.mapped.RUnlock()
	if s.blocks.Load() != block {
		return false
	}
	s.sem.Wake()
	return true
}

// detach gives up names and claims.
func (s *session) detach() error {
	err := s.ch.Remove()
	s.detached.Store(true)
	crashpoint.At("detach")
	return err
}

// unmap lets the memory go; the second call does nothing.
func (s *session) unmap() error {
	s.mapped.Lock()
	defer s.mapped.Unlock()
	if s.unmapped {
		return nil
	}
	s.unmapped = true
	return s.ch.Close()
}

// look calls f while the memory is mapped, for those who look at it beside the call in progress.
// It returns [ErrClosed] if it is gone or about to go.
func (s *session) look(f func() error) error {
	s.mapped.RLock()
	defer s.mapped.RUnlock()
	if s.unmapped || s.detached.Load() {
		return ErrClosed
	}
	return s.guarded(f)
}

// drop cleans up for an owner that was collected without Close.
func (s *session) drop() {
	if !s.seize() {
		return
	}
	s.log.Warn("dropped without Close: cleaning up; call Close when done")
	if s.between() {
		return
	}
	// A foreign reader would take a token without a frame for one (contract 5, close).
	wake := s.role == driver.Reader || s.ch.Liveness().Ours(driver.Reader)
	resigned := s.guarded(func() error { return s.resign(wake) })
	if err := errors.Join(resigned, s.detach(), s.unmap()); err != nil {
		s.log.Error("clean up", "error", err)
	}
}

// resign takes this side's PID out of the segment, and wakes the peer by a real token if wake is
// true: a peer that is just going to block would miss a bare wake.
func (s *session) resign(wake bool) error {
	s.pidOf(s.role).CompareAndSwap(s.pid, 0)
	crashpoint.At("resign")
	if !wake {
		return nil
	}
	if err := s.peer.Post(1); err != nil && !errors.Is(err, driver.ErrOverflow) {
		return err
	}
	crashpoint.At("resign-post")
	return nil // with an overflow the peer is awake anyway
}

// errorf puts what was done and the name in front of an error.
func (s *session) errorf(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", what, s.name, err)
}
