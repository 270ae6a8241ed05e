package posixshm

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
)

// semMap is one mapped semaphore file. The word at its start is that of a C library.
type semMap struct {
	driver.Semaphore
	mem []byte
	id  objectID
}

// semaphore is a [driver.Semaphore] whose file can be exchanged while it is in use.
type semaphore struct {
	cur atomic.Pointer[semMap]
	// blocked is the mapping that a Wait of this process blocks on, nil when there is none.
	blocked atomic.Pointer[semMap]
}

var _ driver.Semaphore = (*semaphore)(nil)

func (s *semaphore) Take(limit uint32) uint32 { return s.cur.Load().Take(limit) }

// Wait blocks at most once, so it may return 0 early. Callers loop.
func (s *semaphore) Wait(limit uint32, timeout time.Duration) uint32 {
	m := s.cur.Load()
	if n := m.Take(limit); n > 0 || limit == 0 || timeout == 0 {
		return n
	}
	s.blocked.Store(m)
	n := m.Wait(limit, timeout)
	s.blocked.Store(nil)
	return n
}

func (s *semaphore) Post(n uint32) error {
	m := s.cur.Load()
	if w, ok := m.Semaphore.(futex.Word); ok {
		return w.Post(n) // see State
	}
	return m.Post(n)
}

// State is what who spins calls, and Post is what it waits for. So for the word of glibc they do
// without a call through an interface.
func (s *semaphore) State() (tokens, waiters uint32) {
	m := s.cur.Load()
	if w, ok := m.Semaphore.(futex.Word); ok {
		return w.State()
	}
	return m.State()
}

func (s *semaphore) ResetWaiters(tokens, waiters uint32) bool {
	return s.cur.Load().ResetWaiters(tokens, waiters)
}

// Wake wakes everybody who blocks on the word if a Wait of this process is among them. Waiters of
// other processes look at the value and block again.
func (s *semaphore) Wake() {
	if m := s.blocked.Load(); m != nil {
		m.Wake()
	}
}

// exchange makes next the file in use and wakes a Wait on the old one, which stays mapped.
func (s *semaphore) exchange(next *semMap) (old *semMap) {
	old = s.cur.Swap(next)
	if old != nil {
		old.Wake()
	}
	return old
}

// mapSemaphore maps the semaphore file behind fd.
func mapSemaphore(format *semFormat, fd int, id objectID) (*semMap, error) {
	mem, err := unix.Mmap(fd, 0, semSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &semMap{Semaphore: format.word(mem), mem: mem, id: id}, nil
}

func (m *semMap) close() error { return unix.Munmap(m.mem) }
