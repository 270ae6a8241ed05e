package inproc

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// semaphore has the word of the C library's semaphore: tokens in the low half, waiters in the high
// half. Waiters sleep on a channel.
type semaphore struct {
	word atomic.Uint64
	bell chan struct{} // one ring is kept for a waiter that is just going to sleep

	timer atomic.Pointer[time.Timer] // of the last wait, so that the next one allocates nothing
}

var _ driver.Semaphore = (*semaphore)(nil)

const oneWaiter = 1 << 32

func newSemaphore() *semaphore { return &semaphore{bell: make(chan struct{}, 1)} }

func (s *semaphore) State() (tokens, waiters uint32) {
	w := s.word.Load()
	return uint32(w), uint32(w >> 32)
}

func (s *semaphore) Take(limit uint32) uint32 {
	for {
		w := s.word.Load()
		n := min(uint32(w), limit)
		if n == 0 || s.word.CompareAndSwap(w, w-uint64(n)) {
			return n
		}
	}
}

func (s *semaphore) Post(n uint32) error {
	for {
		w := s.word.Load()
		if uint64(uint32(w))+uint64(n) > math.MaxInt32 {
			return driver.ErrOverflow
		}
		if s.word.CompareAndSwap(w, w+uint64(n)) {
			if w>>32 != 0 {
				s.Wake()
			}
			return nil
		}
	}
}

func (s *semaphore) Wake() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

func (s *semaphore) ResetWaiters(tokens, waiters uint32) bool {
	return s.word.CompareAndSwap(uint64(waiters)<<32|uint64(tokens), uint64(tokens))
}

func (s *semaphore) Wait(limit uint32, timeout time.Duration) uint32 {
	if n := s.Take(limit); n != 0 {
		return n
	}
	select {
	case <-s.bell: // an old ring
	default:
	}
	s.word.Add(oneWaiter)
	if uint32(s.word.Load()) == 0 {
		s.sleep(timeout)
	}
	return s.leave(limit)
}

// sleep waits for the bell.
func (s *semaphore) sleep(timeout time.Duration) {
	if timeout < 0 {
		<-s.bell
		return
	}
	t := s.timer.Swap(nil)
	if t == nil {
		t = time.NewTimer(timeout)
	} else {
		t.Reset(timeout)
	}
	select {
	case <-s.bell:
	case <-t.C:
	}
	t.Stop()
	s.timer.Store(t)
}

// leave takes tokens and gives the place in the queue up, in one step. A reset while this waiter
// slept has done the latter already.
func (s *semaphore) leave(limit uint32) uint32 {
	for {
		w := s.word.Load()
		n := min(uint32(w), limit)
		next := w - uint64(n)
		if next >= oneWaiter {
			next -= oneWaiter
		}
		if s.word.CompareAndSwap(w, next) {
			return n
		}
	}
}
