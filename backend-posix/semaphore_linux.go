package posixshm

import (
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// The format of glibc's named semaphores on 64-bit targets, 2.21 and later (wire contract,
// section 6): a file of 32 bytes, at offset 0 a 64-bit word with the value in its low and the
// number of waiters in its high half, at offset 8 the mark of a shared semaphore.
const (
	semSize      = 32
	semShared    = 0x80
	semMax       = 0x7fffffff
	waiterShift  = 32
	oneWaiter    = 1 << waiterShift
	valueMask    = oneWaiter - 1
	casTries     = 1 << 12
	wakeEveryone = math.MaxInt32
)

// semMap is one mapped semaphore file.
type semMap struct {
	mem  []byte
	word *atomic.Uint64 // partner: sem_post, sem_wait of the peer's C library
	id   objectID
}

// take takes up to limit tokens. A value above semMax, which only a broken peer writes, is taken
// like any other. A peer that changes the word without end cannot hold the caller: it gives up
// after casTries and finds nothing.
func (m *semMap) take(limit uint32) uint32 {
	for range casTries {
		old := m.word.Load()
		n := min(uint32(old&valueMask), limit)
		if n == 0 {
			return 0
		}
		if m.word.CompareAndSwap(old, old-uint64(n)) {
			return n
		}
	}
	return 0
}

// takeAndLeave takes up to limit tokens and takes back one waiter, in one step as glibc does. The
// number of waiters never goes below 0: somebody may have reset it meanwhile.
func (m *semMap) takeAndLeave(limit uint32) uint32 {
	for range casTries {
		old := m.word.Load()
		n := min(uint32(old&valueMask), limit)
		next := old - uint64(n)
		if old>>waiterShift > 0 {
			next -= oneWaiter
		}
		if m.word.CompareAndSwap(old, next) {
			return n
		}
	}
	return 0
}

// post adds n tokens and wakes as many waiters.
func (m *semMap) post(n uint32) error {
	for try := 0; ; try++ {
		old := m.word.Load()
		if uint64(uint32(old&valueMask))+uint64(n) > semMax {
			return driver.ErrOverflow
		}
		// A token must not get lost, so a peer that disturbs every exchange gets the addition.
		if try < casTries {
			if !m.word.CompareAndSwap(old, old+uint64(n)) {
				continue
			}
		} else {
			m.word.Add(uint64(n))
		}
		if waiters := uint32(old >> waiterShift); waiters > 0 && n > 0 {
			futexWake(m.word, min(n, waiters))
		}
		return nil
	}
}

// semaphore is a [driver.Semaphore] whose file can be exchanged while it is in use.
type semaphore struct {
	cur atomic.Pointer[semMap]
	// blocked is the mapping that a Wait of this process blocks on, nil when there is none.
	blocked atomic.Pointer[semMap]
}

var _ driver.Semaphore = (*semaphore)(nil)

func (s *semaphore) Take(limit uint32) uint32 { return s.cur.Load().take(limit) }

// Wait blocks at most once: after any return of the kernel it takes what is there and ends, so it
// may return 0 early (a signal, a token that another waiter took). Callers loop.
func (s *semaphore) Wait(limit uint32, timeout time.Duration) uint32 {
	m := s.cur.Load()
	if n := m.take(limit); n > 0 || limit == 0 || timeout == 0 {
		return n
	}
	s.blocked.Store(m)
	m.word.Add(oneWaiter)
	futexWait(m.word, timeout)
	n := m.takeAndLeave(limit)
	s.blocked.Store(nil)
	return n
}

func (s *semaphore) Post(n uint32) error { return s.cur.Load().post(n) }

func (s *semaphore) State() (tokens, waiters uint32) {
	word := s.cur.Load().word.Load()
	return uint32(word & valueMask), uint32(word >> waiterShift)
}

func (s *semaphore) ResetWaiters(tokens, waiters uint32) bool {
	old := uint64(waiters)<<waiterShift | uint64(tokens)
	return s.cur.Load().word.CompareAndSwap(old, uint64(tokens))
}

// Wake wakes everybody who blocks on the word if a Wait of this process is among them. Waiters of
// other processes look at the value and block again.
func (s *semaphore) Wake() {
	if m := s.blocked.Load(); m != nil {
		futexWake(m.word, wakeEveryone)
	}
}

// exchange makes next the file in use and wakes a Wait on the old one, which stays mapped.
func (s *semaphore) exchange(next *semMap) (old *semMap) {
	old = s.cur.Swap(next)
	if old != nil {
		futexWake(old.word, wakeEveryone)
	}
	return old
}

// mapSemaphore maps the semaphore file behind fd.
func mapSemaphore(fd int, id objectID) (*semMap, error) {
	mem, err := unix.Mmap(fd, 0, semSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &semMap{mem: mem, word: wordAt(mem), id: id}, nil
}

func (m *semMap) close() error { return unix.Munmap(m.mem) }
