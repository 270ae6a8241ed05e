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
	// closeLook is how often it looks while something has to be settled with the peer.
	closeLook = 20 * time.Millisecond
	// allTokens takes every token that is there.
	allTokens = math.MaxInt32
)

// wait is the state of one call that waits. Its zero value is ready to use.
type wait struct {
	timeout time.Duration // of the call, 0 for none
	every   time.Duration // time between two looks
	began   time.Time     // zero until the first block
}

// tokens waits for tokens and takes them all. It returns 0 and no error when the caller has to
// look after its peer, every w.every, and an error when the call is over. Nothing is allocated.
func (s *session) tokens(ctx context.Context, w *wait) (uint32, error) {
	if n := s.spin.Until(func() uint32 { return s.sem.Take(allTokens) }); n != 0 {
		return n, nil
	}
	now := time.Now()
	if w.began.IsZero() {
		w.began, s.lastLook = now, now
	}
	s.watch.arm(ctx)
	for {
		slice := w.every - now.Sub(s.lastLook)
		if w.timeout > 0 {
			slice = min(slice, w.timeout-now.Sub(w.began))
		}
		n, err := s.block(ctx, slice)
		if n != 0 || err != nil {
			if time.Since(now) < spin.Worth {
				s.spin.Hit()
			}
			return n, err
		}
		now = time.Now()
		switch {
		case w.timeout > 0 && now.Sub(w.began) >= w.timeout:
			return s.expire()
		case now.Sub(s.lastLook) >= w.every:
			s.lastLook = now
			return 0, s.ch.Check()
		}
	}
}

// block is one wait in the kernel.
func (s *session) block(ctx context.Context, slice time.Duration) (uint32, error) {
	s.blocked.Store(true)
	defer s.blocked.Store(false)
	// Partner: seize and watcher.run, which look at blocked after they have ended the call.
	if s.closed.Load() {
		return 0, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if slice <= 0 {
		return s.sem.Take(allTokens), nil
	}
	return s.sem.Wait(allTokens, slice), nil
}

// expire is the end of a call by its time-out. A peer may have replaced the semaphore that this
// side waited on, so the objects are checked, and then there is one last look.
func (s *session) expire() (uint32, error) {
	if err := s.ch.Check(); err != nil {
		return 0, err
	}
	if n := s.sem.Take(allTokens); n != 0 {
		return n, nil
	}
	return 0, errTimeout
}
