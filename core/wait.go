package zerobuffer

import (
	"context"
	"math"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
)

const (
	// idleLook is how often a blocked call looks whether its peer and its objects are still
	// there.
	idleLook = 200 * time.Millisecond
	// watchedLook is the same beside a peer of ours that is watched: it tells when it closes, and the
	// watch tells when it dies.
	watchedLook = 500 * time.Millisecond
	// rareLook is the same once a look has found nothing new. A frame whose token goes to a semaphore
	// that another program has removed is that late.
	rareLook = 2 * time.Second
	// closeLook is how often it looks while something has to be settled with the peer.
	closeLook = 20 * time.Millisecond
	// allTokens takes every token that is there.
	allTokens = math.MaxInt32
	// clockEvery is how many waits go by between two looks at the clock.
	clockEvery = 24
	// takeMany is how many used tokens may stay in the semaphore, a power of two.
	takeMany = 32
	// leaveFew shifts the number of new tokens that may stay in it below takeMany. More than those
	// 2^24 a broken peer has left, perhaps so many that posts fail: then the next frame brings none.
	leaveFew = 24 - 5
)

// wait is the state of one call that waits. Its zero value is ready to use.
type wait struct {
	timeout time.Duration // of the call, 0 for none
	every   time.Duration // time between two looks at the peer
	began   time.Time     // zero until the first block
	over    bool          // the time-out has passed
	warned  bool          // the log has it that this call takes long
}

// takeAll takes the tokens that are there. It is how a writer looks for space.
func (s *session) takeAll() uint32 { return s.sem.Take(allTokens) }

// fresh is the number of new tokens, and how a reader looks for frames. In front of a writer of
// ours they stay in the semaphore, which costs nothing but a look at it, and are taken later, many
// at once. A writer of another language, or one that takes this reader for such, may conclude
// something from their number.
func (s *session) fresh() uint32 {
	tokens, _ := s.sem.State()
	if tokens <= s.used {
		s.used = tokens // fewer only if another program has taken some
		return 0
	}
	n := tokens - s.used
	if s.ours && (s.used|n>>leaveFew) < takeMany { // each of them, by one comparison
		s.used = tokens
		return n
	}
	n = s.sem.Take(allTokens)
	n -= min(n, s.used)
	s.used = 0
	return n
}

// rest is how long a blocked call sleeps before it looks whether its peer and its objects are still
// there; nothingNew says that a look has just found nothing new.
func (s *session) rest(nothingNew bool) time.Duration {
	switch {
	case !s.ours || s.unwatch == nil || s.told.Load():
		return idleLook
	case nothingNew:
		return rareLook
	}
	return watchedLook
}

// settle takes the used tokens away: a block ends at once while there is any.
func (s *session) settle() {
	if s.used != 0 {
		s.sem.Take(s.used)
		s.used = 0
	}
}

// tokens waits for new tokens and returns how many came. It returns 0 and no error when the caller
// has to look after its peer and its objects: every w.every, and when the time is over. It returns
// an error when the call has to end at once. Nothing is allocated.
func (s *session) tokens(ctx context.Context, w *wait) (uint32, error) {
	s.watch.arm(ctx)
	var now time.Time
	// The clock costs as much as all else of a short wait. Without a time-out it can wait until
	// the block is over; now and then it is looked at in any case, or waits that are shorter than
	// w.every would never look after their objects.
	s.unclocked++
	if w.timeout > 0 || s.spin.Mode == spin.Adaptive || s.unclocked >= clockEvery {
		now = s.clock(w)
	}
	for {
		n, err := s.block(ctx, now, s.slice(w, now))
		if n != 0 || err != nil {
			return n, err
		}
		now = s.clock(w)
		if s.due(w, now) {
			return 0, nil
		}
	}
}

// due tells whether the caller has to look after its peer and its objects, and notes whether the
// time is over.
func (s *session) due(w *wait, now time.Time) bool {
	w.over = w.timeout > 0 && now.Sub(w.began) >= w.timeout
	if !s.peerEnded.Swap(false) && !w.over && now.Sub(s.lastLook) < w.every {
		return false
	}
	s.lastLook = now
	return true
}

// inVain is called after tokens that have led to nothing. A broken peer may post such tokens
// without end, so this looks at all that ends a call or makes it look around, as a wait does that
// gets none. They may be those of another peer, so the next look is no rare one.
func (s *session) inVain(ctx context.Context, w *wait) (look bool, err error) {
	if s.closed.Load() {
		return false, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	w.every = min(w.every, s.rest(false))
	return s.due(w, s.clock(w)), nil
}

// clock looks at the clock and notes when the call began to wait, as far as that is known.
func (s *session) clock(w *wait) time.Time {
	now := time.Now()
	s.unclocked = 0
	if w.began.IsZero() {
		w.began = now
	}
	if s.lastLook.IsZero() {
		s.lastLook = now
	}
	return now
}

// slice is how long the next block may last. now is zero if the clock was not looked at.
func (s *session) slice(w *wait, now time.Time) time.Duration {
	if now.IsZero() {
		return w.every
	}
	slice := w.every - now.Sub(s.lastLook)
	if w.timeout > 0 {
		slice = min(slice, w.timeout-now.Sub(w.began))
	}
	return slice
}

// block is one wait in the kernel, or one more spin where that is never wanted.
func (s *session) block(
	ctx context.Context, began time.Time, slice time.Duration,
) (uint32, error) {
	s.blocks.Add(1)
	defer s.blocks.Add(1)
	// Partner: seize and endBlock, which look at blocks after they have said why.
	if s.closed.Load() {
		return 0, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	switch {
	case slice <= 0 || s.peerEnded.Load():
		return s.arrived(), nil
	case s.spin.Mode == spin.Always:
		return s.spin.Until(s.arrived), nil
	}
	s.settle()
	n := s.sem.Wait(allTokens, slice)
	if s.spin.Mode == spin.Adaptive {
		end := time.Now()
		s.spin.Blocked(end, end.Sub(began))
	}
	return n, nil
}
