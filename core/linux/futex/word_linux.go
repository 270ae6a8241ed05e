package futex

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// The word of glibc's semaphores on 64-bit targets, 2.21 and later (wire contract, section 6): the
// value in the low half, the number of waiters in the high half.
const (
	// MaxValue is the largest value that a post may lead to.
	MaxValue = math.MaxInt32
	// OneWaiter is one waiter in the word.
	OneWaiter = 1 << waiterShift
	// Everyone is the number of waiters that [Wake] takes for all.
	Everyone = math.MaxInt32

	waiterShift = 32
	valueMask   = OneWaiter - 1
	casTries    = 1 << 12
)

// Word is a counting semaphore in one word of shared memory. Its methods are safe for concurrent
// use, by other processes as well.
type Word struct {
	word *atomic.Uint64 // partner: sem_post, sem_wait of the peer's C library, and this type
}

// NewWord returns the semaphore in the first 8 bytes of mem; see [At].
func NewWord(mem []byte) Word { return Word{At(mem)} }

// Take takes up to limit tokens at once, without waiting, and returns how many it took. A value
// above [MaxValue], which only a broken peer writes, is taken like any other. A peer that changes
// the word without end cannot hold the caller: it gives up after some tries and finds nothing.
func (w Word) Take(limit uint32) uint32 {
	for range casTries {
		old := w.word.Load()
		n := min(uint32(old&valueMask), limit)
		if n == 0 {
			return 0
		}
		if w.word.CompareAndSwap(old, old-uint64(n)) {
			return n
		}
	}
	return 0
}

// Wait blocks at most once while there is no token: after any return of the kernel it takes up to
// limit tokens and ends, so it may return 0 early (a signal, a token that another waiter took).
func (w Word) Wait(limit uint32, timeout time.Duration) uint32 {
	w.word.Add(OneWaiter)
	Block(w.word, 0, timeout)
	return w.takeAndLeave(limit)
}

// takeAndLeave takes up to limit tokens and takes back one waiter, in one step as glibc does. The
// number of waiters never goes below 0: somebody may have reset it meanwhile.
func (w Word) takeAndLeave(limit uint32) uint32 {
	for range casTries {
		old := w.word.Load()
		n := min(uint32(old&valueMask), limit)
		next := old - uint64(n)
		if old>>waiterShift > 0 {
			next -= OneWaiter
		}
		if w.word.CompareAndSwap(old, next) {
			return n
		}
	}
	return 0
}

// Post adds n tokens and wakes as many waiters. The error matches [driver.ErrOverflow]; then
// nothing is added. One addition costs one move of the cache line, a look before it would cost
// two; so a post that was too many is seen afterwards, and taken back.
func (w Word) Post(n uint32) error {
	word := w.word.Add(uint64(n))
	if value := word & valueMask; value > MaxValue || value < uint64(n) {
		// If the word has changed again somebody took tokens, and then what is too much does no harm.
		w.word.CompareAndSwap(word, word-uint64(n))
		return driver.ErrOverflow
	}
	if waiters := uint32(word >> waiterShift); waiters > 0 && n > 0 {
		Wake(w.word, min(n, waiters))
	}
	return nil
}

// State returns the number of tokens and of waiters, read in one atomic step.
func (w Word) State() (tokens, waiters uint32) {
	word := w.word.Load()
	return uint32(word & valueMask), uint32(word >> waiterShift)
}

// ResetWaiters sets the number of waiters to 0 if the state is still the given one.
func (w Word) ResetWaiters(tokens, waiters uint32) bool {
	old := uint64(waiters)<<waiterShift | uint64(tokens)
	return w.word.CompareAndSwap(old, uint64(tokens))
}

// Wake wakes everybody who blocks on the word, without a token.
func (w Word) Wake() { Wake(w.word, Everyone) }
