package winshm

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// liveness is the [driver.Liveness] of one channel.
type liveness struct {
	names  [2]string
	claims [2]*uint16 // names, as Windows takes them
	sa     *windows.SecurityAttributes
	log    *slog.Logger
	// ours says that this side holds a claim; its waits are counted then.
	ours atomic.Bool
	// ended is called after the end of a process that is watched, and when the reader has closed.
	ended func()

	mu     sync.Mutex
	closed bool
	gone   bool // the names may be those of a successor: claims are no sign any more
	held   [2]windows.Handle
	sights [2]sight
	// closing is made by the reader and watched by the writer.
	closing closing
}

// sight is what was learned about the peer in one role when its PID was seen first.
type sight struct {
	pid     uint64
	known   bool // the fields below are set
	claimed bool // it held the claim: without it, it is dead
	dead    bool
	process *process // nil if it may not be looked at
}

func newLiveness(n *objectNames, sa *windows.SecurityAttributes, log *slog.Logger) *liveness {
	l := &liveness{names: n.claims, sa: sa, log: log}
	for i, name := range l.names {
		l.claims[i] = utf16Name(name)
	}
	return l
}

func (l *liveness) PID() uint64 { return uint64(os.Getpid()) }

func (l *liveness) Claim(role driver.Role) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return fmt.Errorf("claim role %v: %w", role, os.ErrClosed)
	case l.gone:
		return fmt.Errorf("claim role %v: %w: its reader has just gone", role, driver.ErrNotReady)
	case l.held[role] != 0:
		return nil
	}
	h, err := makeClaim(l.names[role], l.sa)
	switch {
	case errors.Is(err, errClaimed) && role == driver.Writer:
		return fmt.Errorf("%w: a program of ours holds %s", driver.ErrWriterConnected, l.names[role])
	case errors.Is(err, errClaimed):
		return fmt.Errorf("%w: a program of ours holds %s", driver.ErrReaderConnected, l.names[role])
	case err != nil:
		return fmt.Errorf("claim role %v: %w", role, err)
	}
	l.held[role] = h
	l.ours.Store(true)
	if role == driver.Writer {
		l.closing.watch(l.ended)
	}
	return nil
}

func (l *liveness) Disclaim(role driver.Role) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(role)
}

// drop gives a claim up; mu is held.
func (l *liveness) drop(role driver.Role) {
	if l.held[role] != 0 {
		_ = windows.CloseHandle(l.held[role])
		l.held[role] = 0
	}
	l.ours.Store(l.held != [2]windows.Handle{})
}

func (l *liveness) Ours(role driver.Role) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claimedByOther(role)
}

// claimedByOther leaves the claim of this side out; mu is held.
func (l *liveness) claimedByOther(role driver.Role) bool {
	return !l.closed && !l.gone && l.held[role] == 0 && claimed(l.claims[role])
}

func (l *liveness) Alive(role driver.Role, pid uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	s := &l.sights[role]
	if s.pid != pid {
		s.process.close()
		*s = sight{pid: pid}
	}
	switch {
	case l.claimedByOther(role):
		s.claimed = true
		return true
	case pid == 0, s.claimed:
		return false
	}
	if !s.known {
		l.look(s)
	}
	if s.process != nil && s.process.ended() {
		s.dead = true
	}
	return !s.dead
}

// look takes a first look at the process that should be the peer, and keeps a handle of it. Windows
// does not tell when a section was made, so there is no birth to compare the start of the process
// with; but a section ends with the last of its users, so an old PID in it is rare.
func (l *liveness) look(s *sight) {
	p, err := openProcess(s.pid)
	s.known, s.process = true, p
	switch {
	case errors.Is(err, errNoProcess):
		s.dead = true
	case errors.Is(err, errHidden):
		// Asked anew each time: when it ends there is no such process any more.
		s.known = false
	case err != nil:
		s.known = false
		l.log.Warn("cannot look at the peer: it counts as alive", "pid", s.pid, "error", err)
	}
}

// Watch waits for the end of a process in a goroutine, which keeps a thread. A process that may
// not be looked at cannot be watched.
func (l *liveness) Watch(pid uint64, died func()) (stop func()) {
	if pid == l.PID() {
		return nil
	}
	p, err := openProcess(pid)
	if err != nil {
		return nil
	}
	end, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		p.close()
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		handles := []windows.Handle{end, p.handle}
		event, err := windows.WaitForMultipleObjects(handles, false, windows.INFINITE)
		if err == nil && event == windows.WAIT_OBJECT_0+1 {
			died()
			l.ended()
		}
	}()
	return sync.OnceFunc(func() {
		_ = windows.SetEvent(end)
		<-done
		_ = windows.CloseHandle(end)
		p.close()
	})
}

// letGo gives up the event of the closing reader; a reader tells first that it has closed.
func (l *liveness) letGo(reader bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reader {
		l.closing.tell()
	}
	l.closing.letGo()
}

// release gives up the claims.
func (l *liveness) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(driver.Reader)
	l.drop(driver.Writer)
}

// bury gives up the claims before the names become free for a successor, whose claims must not be
// taken for those of the peer.
func (l *liveness) bury() {
	l.release()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
}

// close forgets everything.
func (l *liveness) close() {
	l.release()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for i := range l.sights {
		l.sights[i].process.close()
		l.sights[i].process = nil
	}
}
