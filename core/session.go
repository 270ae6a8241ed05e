package zerobuffer

import (
	"errors"
	"fmt"
	"log/slog"
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

	busy     atomic.Uint64 // 1 while a call is in progress; stays so after Close
	closed   atomic.Bool   // Close was called
	blocks   atomic.Uint64 // odd while the call in progress is in, or just before, sem.Wait
	detached atomic.Bool   // names and claims are given up; only frames may use the memory

	mapped   sync.RWMutex // read-locked by those who look at the memory beside the call
	unmapped bool

	peerEnded atomic.Bool // the peer's process has ended: ask at once whether it is dead
	unwatch   func()      // ends the watch of the peer's process, nil for none

	beforeUnmap func() // ends what looks at the memory by itself, nil for none

	watch    watcher
	spin     spin.Spinner
	arrived  func() uint32 // looks for new tokens: takeAll or fresh
	lazy     bool          // the peer is ours, so it does no harm to take tokens late
	used     uint32        // tokens that are still in sem and stand for nothing any more
	lastLook time.Time

	unclocked int // waits since the clock was looked at
}

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

// enter begins a call; leave ends it.
func (s *session) enter() error {
	if s.busy.CompareAndSwap(0, 1) {
		return nil
	}
	if s.closed.Load() {
		return ErrClosed
	}
	return ErrConcurrentUse
}

func (s *session) leave() { release.Store(&s.busy, 0) }

// seize ends the call in progress, if there is one, and keeps all later ones out. It returns
// false if that was done before.
func (s *session) seize() bool {
	if !s.closed.CompareAndSwap(false, true) {
		return false
	}
	for !s.busy.CompareAndSwap(0, 1) {
		s.endBlock()
		time.Sleep(100 * time.Microsecond)
	}
	s.watch.stop()
	if s.unwatch != nil {
		s.unwatch()
	}
	if s.beforeUnmap != nil {
		s.beforeUnmap()
	}
	return true
}

// watchPeer makes the end of the process pid end a blocked call, instead of any process that was
// watched before. It is for the call in progress.
func (s *session) watchPeer(pid uint64) {
	if s.unwatch != nil {
		s.unwatch()
	}
	s.unwatch = s.ch.Liveness().Watch(pid, func() {
		s.peerEnded.Store(true)
		s.endBlock()
	})
}

// endBlock wakes the block in progress, if there is one, until it has ended. A wake is lost on a
// waiter that is just going to sleep, so it is repeated. The next block is left alone: it has
// looked at everything that could end it after this one.
func (s *session) endBlock() {
	for block := s.blocks.Load(); block%2 == 1 && s.blocks.Load() == block; {
		s.sem.Wake()
		time.Sleep(wakeEvery)
	}
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

// pin keeps the memory mapped until unpin, for those who look at it beside the call in progress.
// It returns false if it is gone or about to go.
func (s *session) pin() bool {
	s.mapped.RLock()
	if s.unmapped || s.detached.Load() {
		s.mapped.RUnlock()
		return false
	}
	return true
}

func (s *session) unpin() { s.mapped.RUnlock() }

// drop cleans up for an owner that was collected without Close.
func (s *session) drop() {
	if !s.seize() {
		return
	}
	s.log.Warn("dropped without Close: cleaning up; call Close when done")
	// A foreign reader would take a token without a frame for one (contract 5, close).
	wake := s.role == driver.Reader || s.ch.Liveness().Ours(driver.Reader)
	if err := errors.Join(s.resign(wake), s.detach(), s.unmap()); err != nil {
		s.log.Error("clean up", "error", err)
	}
}

// resign takes this side's PID out of the segment, and wakes the peer by a real token if wake is
// true: a peer that is just going to block would miss a bare wake.
func (s *session) resign(wake bool) error {
	own := &s.seg.OIEB.ReaderPID
	if s.role == driver.Writer {
		own = &s.seg.OIEB.WriterPID
	}
	own.CompareAndSwap(s.pid, 0)
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
