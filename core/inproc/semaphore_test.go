package inproc_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// newSemaphore returns a semaphore with no token and no waiter.
func newSemaphore(t testing.TB) driver.Semaphore {
	t.Helper()
	return create(t).DataReady()
}

func requireState(t testing.TB, s driver.Semaphore, tokens, waiters uint32) {
	t.Helper()
	gotTokens, gotWaiters := s.State()
	require.Equal(t, [2]uint32{tokens, waiters}, [2]uint32{gotTokens, gotWaiters},
		"tokens, waiters")
}

func awaitBlocked(s driver.Semaphore) {
	for {
		if _, waiters := s.State(); waiters > 0 {
			return
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func TestSemaphoreTake(t *testing.T) {
	t.Parallel()
	s := newSemaphore(t)
	require.Zero(t, s.Take(1))
	require.NoError(t, s.Post(5))
	requireState(t, s, 5, 0)
	require.Equal(t, uint32(2), s.Take(2))
	require.Zero(t, s.Take(0))
	require.Equal(t, uint32(3), s.Take(math.MaxUint32))
	requireState(t, s, 0, 0)
}

func TestSemaphoreOverflow(t *testing.T) {
	t.Parallel()
	s := newSemaphore(t)
	require.NoError(t, s.Post(math.MaxInt32))
	require.ErrorIs(t, s.Post(1), driver.ErrOverflow)
	require.ErrorIs(t, s.Post(math.MaxUint32), driver.ErrOverflow)
	requireState(t, s, math.MaxInt32, 0)
	require.NoError(t, s.Post(0))
	require.Equal(t, uint32(1), s.Take(1))
	require.ErrorIs(t, s.Post(2), driver.ErrOverflow)
	require.NoError(t, s.Post(1))
}

func TestSemaphoreWaitTakesAtOnce(t *testing.T) {
	t.Parallel()
	s := newSemaphore(t)
	require.NoError(t, s.Post(3))
	require.Equal(t, uint32(2), s.Wait(2, -1))
	require.Equal(t, uint32(1), s.Wait(2, 0))
	requireState(t, s, 0, 0)
}

func TestSemaphoreWaitTimeout(t *testing.T) {
	t.Parallel()
	s := newSemaphore(t)
	for _, timeout := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
		began := time.Now()
		require.Zero(t, s.Wait(1, timeout))
		require.GreaterOrEqual(t, time.Since(began), timeout)
		requireState(t, s, 0, 0)
	}
}

// TestSemaphoreWaitEnds ends a wait that has no time-out.
func TestSemaphoreWaitEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(driver.Semaphore)
		want uint32
	}{
		"post":      {func(s driver.Semaphore) { _ = s.Post(1) }, 1},
		"post-many": {func(s driver.Semaphore) { _ = s.Post(7) }, 5},
		"wake":      {driver.Semaphore.Wake, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSemaphore(t)
			got := make(chan uint32)
			go func() { got <- s.Wait(5, -1) }()
			awaitBlocked(s)
			requireState(t, s, 0, 1)
			c.end(s)
			require.Equal(t, c.want, <-got)
			tokens, waiters := s.State()
			require.Zero(t, waiters)
			require.Equal(t, name == "post-many", tokens == 2)
		})
	}
}

func TestSemaphoreResetWaiters(t *testing.T) {
	t.Parallel()
	s := newSemaphore(t)
	got := make(chan uint32)
	go func() { got <- s.Wait(1, -1) }()
	awaitBlocked(s)
	require.False(t, s.ResetWaiters(1, 1), "the tokens have changed")
	require.False(t, s.ResetWaiters(0, 2), "the waiters have changed")
	requireState(t, s, 0, 1)
	require.True(t, s.ResetWaiters(0, 1))
	requireState(t, s, 0, 0)
	s.Wake()
	require.Zero(t, <-got)
	requireState(t, s, 0, 0) // its place in the queue was gone already
	require.NoError(t, s.Post(2))
	require.True(t, s.ResetWaiters(2, 0))
	requireState(t, s, 2, 0)
}

// TestSemaphoreOldWake wakes while nobody waits: a later wait may end early, not fail.
func TestSemaphoreOldWake(t *testing.T) {
	t.Parallel()
	s := newSemaphore(t)
	for range 3 {
		s.Wake()
	}
	require.Zero(t, s.Wait(1, time.Millisecond))
	require.NoError(t, s.Post(1))
	require.Equal(t, uint32(1), s.Wait(1, -1))
}

// TestSemaphoreConcurrentSafe posts from several goroutines to one waiter: no token is lost.
func TestSemaphoreConcurrentSafe(t *testing.T) {
	t.Parallel()
	s := newSemaphore(t)
	const posters, each = 4, 5000
	var all sync.WaitGroup
	for range posters {
		all.Go(func() {
			for range each {
				_ = s.Post(1)
			}
		})
	}
	for got := 0; got < posters*each; {
		got += int(s.Wait(math.MaxInt32, -1))
	}
	all.Wait()
	requireState(t, s, 0, 0)
}

func TestSemaphoreWaitAllocatesNothing(t *testing.T) {
	s := newSemaphore(t)
	n := testing.AllocsPerRun(100, func() { s.Wait(1, 10*time.Microsecond) })
	if n != 0 && !raceEnabled {
		t.Errorf("%v allocations a wait", n)
	}
}
