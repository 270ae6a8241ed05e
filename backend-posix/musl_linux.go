package posixshm

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
)

// The word of musl's semaphores (wire contract, section 6): the value in the low half, the number
// of waiters in the high half. A value below 0 says that somebody sleeps on it; which one, depends
// on the version. What ours does suits both.
const (
	// muslWaits is the value with no token and a waiter of musl 1.2.4 or later, and of ours.
	muslWaits = 1 << 31
	// muslOldWaits is the same of musl up to 1.2.3.
	muslOldWaits = math.MaxUint32
	// muslBlocked is the word while ours waits, alone.
	muslBlocked = futex.OneWaiter | muslWaits

	waiterShift = 32
	muslTries   = 1 << 12
)

// muslWord is a [driver.Semaphore] in a word that programs linked with musl use, too. As on every
// semaphore of a buffer one side takes and the other posts; nobody else takes meanwhile.
type muslWord struct {
	word *atomic.Uint64 // partner: sem_post, sem_timedwait of musl, and this type
}

var _ driver.Semaphore = muslWord{}

func newMuslWord(mem []byte) driver.Semaphore { return muslWord{futex.At(mem)} }

// muslState splits the word. Where a waiter of ours sleeps, a post of musl up to 1.2.3 adds 2: 1
// for the token and 1 to make 0 of the -1 that its own waiters leave, which the value is not. So
// an even value with the sign holds twice its tokens. Later versions clear the sign, or leave it
// while more than one waits, and then each post has added 1.
func muslState(word uint64) (tokens, waiters uint32) {
	value, waiters := uint32(word&math.MaxUint32), uint32(word>>waiterShift)
	tokens = value &^ muslWaits
	switch {
	case value == muslOldWaits:
		tokens = 0
	case value != tokens && value%2 == 0 && waiters <= 1:
		tokens /= 2
	}
	return tokens, waiters
}

func muslJoin(tokens, waiters uint32) uint64 {
	return uint64(waiters)<<waiterShift | uint64(tokens)
}

// Take takes the sign away with the last token: who slept there has been woken by the post.
func (w muslWord) Take(limit uint32) uint32 {
	for range muslTries {
		old := w.word.Load()
		tokens, waiters := muslState(old)
		n := min(tokens, limit)
		if n == 0 {
			return 0
		}
		if w.word.CompareAndSwap(old, muslJoin(tokens-n, waiters)) {
			return n
		}
	}
	return 0
}

// Wait blocks at most once, so it may return 0 early.
func (w muslWord) Wait(limit uint32, timeout time.Duration) uint32 {
	if !w.enter() {
		return w.Take(limit)
	}
	futex.Block(w.word, muslWaits, timeout)
	return w.leave(limit)
}

// enter notes that the caller is going to sleep, unless there is a token. It is the only waiter:
// what else the word tells was left by one that was killed, or that gave up without a trace.
func (w muslWord) enter() bool {
	for range muslTries {
		old := w.word.Load()
		if tokens, _ := muslState(old); tokens > 0 {
			return false
		}
		if w.word.CompareAndSwap(old, muslBlocked) {
			return true
		}
	}
	return false
}

// leave takes up to limit tokens and takes back one waiter and the sign, in one step. A sign that
// stays would make a waiter of musl up to 1.2.3 spin that comes later.
func (w muslWord) leave(limit uint32) uint32 {
	for range muslTries {
		old := w.word.Load()
		tokens, waiters := muslState(old)
		n := min(tokens, limit)
		if w.word.CompareAndSwap(old, muslJoin(tokens-n, max(waiters, 1)-1)) {
			return n
		}
	}
	return 0
}

// Post adds n tokens and takes the sign away. It then wakes everybody, because the next post will
// not see the sign any more.
func (w muslWord) Post(n uint32) error {
	if n == 0 {
		return nil
	}
	for try := 0; ; try++ {
		old := w.word.Load()
		tokens, waiters := muslState(old)
		if uint64(tokens)+uint64(n) > futex.MaxValue {
			return driver.ErrOverflow
		}
		// A token must not get lost, so a peer that disturbs every exchange gets the addition.
		if try >= muslTries {
			w.word.Add(uint64(n))
		} else if !w.word.CompareAndSwap(old, muslJoin(tokens+n, waiters)) {
			continue
		}
		if old&muslWaits != 0 {
			w.Wake()
		}
		return nil
	}
}

func (w muslWord) State() (tokens, waiters uint32) { return muslState(w.word.Load()) }

// ResetWaiters takes the sign away, too.
func (w muslWord) ResetWaiters(tokens, waiters uint32) bool {
	old := w.word.Load()
	t, n := muslState(old)
	return t == tokens && n == waiters && w.word.CompareAndSwap(old, uint64(tokens))
}

// Wake wakes everybody who blocks on the word, without a token.
func (w muslWord) Wake() { futex.Wake(w.word, futex.Everyone) }
