package winshm

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	// semMax is the most tokens that a semaphore holds, as the peers make it.
	semMax = math.MaxInt32
	// maxTake bounds what one Take takes: Windows hands tokens out one by one.
	maxTake = 1 << 16
	// semAccess is what a side needs; SEMAPHORE_QUERY_STATE is 1.
	semAccess = windows.SYNCHRONIZE | semModifyState | semQueryState

	// unknownTokens is the value of a semaphore that does not tell it. From a value of 0 it would
	// follow that a ring is drained, or that a waiter has nothing; from a large one nothing does.
	unknownTokens = semMax

	semQueryState  = 1
	semModifyState = 2
)

// semaphore is a [driver.Semaphore] over a named semaphore.
type semaphore struct {
	// use is read-locked by every method and locked to take the handle away.
	use    sync.RWMutex
	handle windows.Handle // 0 when it was let go
	wake   windows.Handle // event that ends one Wait, our own
	both   [2]windows.Handle
	// blocked counts the Waits that are in the kernel, or just before or behind it.
	blocked atomic.Int32
	// waiters is shared by the programs of ours; counted says that this side is one of them,
	// because it holds a claim.
	waiters *atomic.Uint32
	counted *atomic.Bool
}

var _ driver.Semaphore = (*semaphore)(nil)

// newSemaphore takes over the handle. A semaphore whose value cannot be had is refused.
func newSemaphore(handle windows.Handle) (*semaphore, error) {
	if _, err := queryTokens(handle); err != nil {
		_ = windows.CloseHandle(handle)
		return nil, fmt.Errorf("query semaphore: %w", err)
	}
	wake, err := windows.CreateEvent(nil, 0, 0, nil)
	if err != nil {
		_ = windows.CloseHandle(handle)
		return nil, fmt.Errorf("create event: %w", err)
	}
	return &semaphore{
		handle: handle, wake: wake, both: [2]windows.Handle{handle, wake},
	}, nil
}

func (s *semaphore) Take(limit uint32) uint32 {
	s.use.RLock()
	defer s.use.RUnlock()
	return s.take(limit)
}

// take takes tokens one by one. use is read-locked.
func (s *semaphore) take(limit uint32) (n uint32) {
	if s.handle == 0 {
		return 0
	}
	for limit = min(limit, maxTake); n < limit; n++ {
		event, err := windows.WaitForSingleObject(s.handle, 0)
		if err != nil || event != windows.WAIT_OBJECT_0 {
			break
		}
	}
	return n
}

// Wait blocks at most once, so it may return 0 early. Callers loop.
func (s *semaphore) Wait(limit uint32, timeout time.Duration) uint32 {
	s.use.RLock()
	defer s.use.RUnlock()
	if n := s.take(limit); n > 0 || limit == 0 || timeout == 0 {
		return n
	}
	if s.handle == 0 { // nobody posts any more: wait for the end of the call
		s.blocked.Add(1)
		_, _ = windows.WaitForSingleObject(s.wake, milliseconds(timeout))
		s.blocked.Add(-1)
		return 0
	}
	counted := s.counted.Load()
	if counted {
		s.waiters.Add(1)
	}
	s.blocked.Add(1)
	event, err := windows.WaitForMultipleObjects(s.both[:], false, milliseconds(timeout))
	s.blocked.Add(-1)
	n := uint32(0)
	switch {
	case err != nil:
		time.Sleep(time.Millisecond) // cannot be; but a caller must not spin
	case event == windows.WAIT_OBJECT_0:
		n = 1 + s.take(limit-1)
	}
	if counted {
		s.leave()
	}
	return n
}

// leave takes one waiter off, unless a reset has done so.
func (s *semaphore) leave() {
	for {
		w := s.waiters.Load()
		if w == 0 || s.waiters.CompareAndSwap(w, w-1) {
			return
		}
	}
}

// milliseconds rounds up: a wait that ends too early makes its caller spin.
func milliseconds(d time.Duration) uint32 {
	if d < 0 {
		return windows.INFINITE
	}
	ms := d / time.Millisecond
	if d%time.Millisecond != 0 {
		ms++
	}
	return uint32(min(ms, windows.INFINITE-1))
}

func (s *semaphore) Post(n uint32) error {
	s.use.RLock()
	defer s.use.RUnlock()
	switch {
	case n == 0, s.handle == 0: // let go: there is nobody left who could take a token
		return nil
	case n > semMax:
		return driver.ErrOverflow
	}
	err := releaseSemaphore(s.handle, int32(n), nil)
	if errors.Is(err, windows.ERROR_TOO_MANY_POSTS) {
		return driver.ErrOverflow
	}
	return err
}

// State reads tokens and waiters one after the other; Windows has no single step. A waiter that
// was just given a token may still be counted, so "no token and one waiter" may be seen a moment
// after a post. It is only ever seen of programs of ours, which a token too many does no harm.
func (s *semaphore) State() (tokens, waiters uint32) {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.handle == 0 {
		return 0, 0
	}
	tokens, err := queryTokens(s.handle)
	if err != nil { // cannot be: the first query did not fail
		tokens = unknownTokens
	}
	return tokens, s.waiters.Load()
}

func (s *semaphore) ResetWaiters(tokens, waiters uint32) bool {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.handle == 0 {
		return false
	}
	if now, err := queryTokens(s.handle); err != nil || now != tokens {
		return false
	}
	return s.waiters.CompareAndSwap(waiters, 0)
}

// Wake sets the event, which one Wait takes. If the Wait ended by itself just then, the next one
// returns early.
func (s *semaphore) Wake() {
	if s.blocked.Load() != 0 {
		_ = windows.SetEvent(s.wake)
	}
}

// letGo closes the handle, so that the name becomes free. A Wait in progress ends; from then on
// there are no tokens, and those that are posted are lost.
func (s *semaphore) letGo() {
	for !s.use.TryLock() {
		s.Wake()
		time.Sleep(100 * time.Microsecond)
	}
	defer s.use.Unlock()
	if s.handle != 0 {
		_ = windows.CloseHandle(s.handle)
		s.handle = 0
	}
}

func (s *semaphore) close() {
	s.letGo()
	_ = windows.CloseHandle(s.wake)
}

// makeSemaphore makes a new semaphore without tokens. The error matches
// windows.ERROR_ALREADY_EXISTS if there is one of that name.
func makeSemaphore(name string, sa *windows.SecurityAttributes) (*semaphore, error) {
	h, err := createSemaphore(sa, 0, semMax, utf16Name(name))
	if err != nil {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
		return nil, err
	}
	return newSemaphore(h)
}

// errNoSemaphore says that the reader has not made its semaphores yet, or gives them other names.
var errNoSemaphore = fmt.Errorf("%w: it is not there yet", driver.ErrNotReady)

// openExisting opens a semaphore that a reader has made. It is errNoSemaphore if there is none.
func openExisting(name string) (*semaphore, error) {
	h, err := openSemaphore(semAccess, false, utf16Name(name))
	if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return nil, fmt.Errorf("open semaphore %s: %w", name, errNoSemaphore)
	}
	if err != nil {
		return nil, openError("open", "semaphore", name, err)
	}
	return newSemaphore(h)
}
