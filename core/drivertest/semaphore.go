package drivertest

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const semRule = "contract 6: "

var semaphoreCases = []testCase{
	{"sem-take", semRule + "Take takes up to the limit and never waits", semTake},
	{"sem-post-many", semRule + "one addition of n posts n tokens", semPostMany},
	{"sem-overflow", semRule + "a post beyond 0x7fffffff fails and adds nothing", semOverflow},
	{"sem-wait-post", semRule + "a post wakes the waiter, which takes the tokens", semWaitPost},
	{
		"sem-wait-timeout", semRule + "a wait ends at its time-out with no token and no waiter left",
		semWaitTimeout,
	},
	{"sem-wait-ready", semRule + "a wait with a token there does not block", semWaitReady},
	{"sem-wake", "a wake ends a wait without a token", semWake},
	{"sem-reset-waiters", "contract 5: the waiters that a killed process left can be reset, unless " +
		"the word has changed", semResetWaiters},
	{"sem-handover", semRule + "no wake-up is lost between two sides", semHandover},
	{"sem-no-allocation", "no allocation in Take, Wait, Post, State and Wake", semNoAllocation},
}

// sems returns sem-w as two programs see it. The first is a program of ours, by its claim: on
// some systems the waits of others are not seen.
func (c *C) sems() (a, b driver.Semaphore) {
	c.ring(1024)
	p, q := c.channel(), c.channel()
	c.must(p.ch.Liveness().Claim(driver.Writer))
	return p.data, q.data
}

func semTake(c *C) {
	a, b := c.sems()
	equal(c, "Take of an empty semaphore", a.Take(1), 0)
	c.must(b.Post(5))
	equal(c, "Take(2)", a.Take(2), 2)
	equal(c, "Take(0)", a.Take(0), 0)
	equal(c, "Take(100)", b.Take(100), 3)
	equal(c, "tokens", tokens(a), 0)
}

func semPostMany(c *C) {
	a, b := c.sems()
	c.must(a.Post(1000))
	c.must(a.Post(1))
	equal(c, "tokens", tokens(b), 1001)
}

func semOverflow(c *C) {
	a, b := c.sems()
	c.must(a.Post(math.MaxInt32 - 1))
	if err := a.Post(2); !errors.Is(err, driver.ErrOverflow) {
		c.failf("Post beyond the limit: error is %v, want ErrOverflow", err)
	}
	equal(c, "tokens", tokens(b), math.MaxInt32-1)
	c.must(b.Post(1))
	if err := b.Post(1); !errors.Is(err, driver.ErrOverflow) {
		c.failf("Post at the limit: error is %v, want ErrOverflow", err)
	}
	equal(c, "tokens", tokens(b), math.MaxInt32)
	equal(c, "Take(1000) of all", a.Take(1000), 1000)
	equal(c, "tokens", tokens(b), math.MaxInt32-1000)
}

// waiting starts a wait that lasts until it got tokens, and returns when the semaphore shows a
// waiter. The end of the case ends the wait as well.
func (c *C) waiting(s, other driver.Semaphore, limit uint32) <-chan uint32 {
	got := make(chan uint32, 1)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		n := uint32(0)
		for n == 0 && !stop.Load() {
			n = s.Wait(limit, -1)
		}
		got <- n
	}()
	c.Cleanup(func() {
		stop.Store(true)
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				s.Wake()
			}
		}
	})
	c.eventually(func() bool { _, w := other.State(); return w == 1 })
	return got
}

func semWaitPost(c *C) {
	a, b := c.sems()
	got := c.waiting(a, b, 1)
	c.must(b.Post(3))
	equal(c, "tokens that the waiter took", <-got, 1)
	n, waiters := b.State()
	equal(c, "tokens left", n, 2)
	equal(c, "waiters", waiters, 0)
	got = c.waiting2(a, b)
	c.must(b.Post(4))
	if n := <-got; n < 1 || n+tokens(b) != 4 {
		c.failf("a waiter without limit took %d, and %d are left of 4", n, tokens(b))
	}
}

// waiting2 empties the semaphore and waits without a limit.
func (c *C) waiting2(s, other driver.Semaphore) <-chan uint32 {
	s.Take(math.MaxInt32)
	return c.waiting(s, other, math.MaxInt32)
}

func semWaitTimeout(c *C) {
	a, b := c.sems()
	start := time.Now()
	for time.Since(start) < 5*time.Millisecond {
		equal(c, "Wait", a.Wait(1, 5*time.Millisecond), 0)
	}
	equal(c, "Wait without time", a.Wait(1, 0), 0)
	n, waiters := b.State()
	equal(c, "tokens", n, 0)
	equal(c, "waiters", waiters, 0)
}

func semWaitReady(c *C) {
	a, b := c.sems()
	c.must(b.Post(2))
	equal(c, "Wait(1)", a.Wait(1, -1), 1)
	equal(c, "Wait(5)", a.Wait(5, -1), 1)
}

func semWake(c *C) {
	a, b := c.sems()
	done := make(chan uint32, 1)
	go func() { done <- a.Wait(1, -1) }()
	c.eventually(func() bool {
		a.Wake()
		return len(done) == 1
	})
	equal(c, "Wait that was woken", <-done, 0)
	n, waiters := b.State()
	equal(c, "tokens", n, 0)
	equal(c, "waiters", waiters, 0)
}

func semResetWaiters(c *C) {
	a, b := c.sems()
	got := c.waiting(a, b, 1)
	if b.ResetWaiters(1, 1) || b.ResetWaiters(0, 2) {
		c.failf("ResetWaiters has changed a state that was another one")
	}
	if !b.ResetWaiters(0, 1) {
		c.failf("ResetWaiters has refused the state that was there")
	}
	if _, w := a.State(); w != 0 {
		c.failf("waiters is %d after the reset", w)
	}
	// The waiter is still there, and its end must not take the count below 0.
	c.eventually(func() bool {
		if tokens(b) == 0 && len(got) == 0 {
			c.must(b.Post(1))
		}
		a.Wake()
		return len(got) == 1
	})
	<-got
	if _, w := b.State(); w != 0 {
		c.failf("waiters is %d after the end of a wait that was reset", w)
	}
}

func semHandover(c *C) {
	c.ring(1024)
	p, q := c.channel(), c.channel()
	const rounds = 3000
	done := make(chan bool)
	go func() {
		defer close(done)
		for range rounds {
			for q.data.Wait(1, -1) == 0 {
			}
			_ = q.space.Post(1)
		}
	}()
	for range rounds {
		c.must(p.data.Post(1))
		for p.space.Wait(1, -1) == 0 {
		}
	}
	<-done
	equal(c, "tokens of sem-w", tokens(p.data), 0)
	equal(c, "tokens of sem-r", tokens(p.space), 0)
}

func semNoAllocation(c *C) {
	a, _ := c.sems()
	allocs := testing.AllocsPerRun(100, func() {
		_ = a.Post(2)
		a.Take(1)
		a.Wait(1, -1)
		a.Wait(1, time.Microsecond)
		a.State()
		a.Wake()
	})
	equal(c, "allocations", allocs, 0)
}
