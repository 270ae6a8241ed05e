//go:build linux

package posixshm

import (
	"math"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
)

// testSemaphore returns the data semaphore of a new buffer.
func testSemaphore(t *testing.T) *semaphore {
	b := newBackend(t)
	return &create(t, b, newName(t, b)).sems[0].semaphore
}

func TestSemaphoreFileFormat(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	c := create(t, b, name)
	require.NoError(t, c.DataReady().Post(5))
	futex.At(c.sems[0].cur.Load().mem).Add(2 * futex.OneWaiter)
	got, err := os.ReadFile(b.semPath(semWritePrefix, name))
	require.NoError(t, err)
	want := make([]byte, 32)
	want[0], want[4], want[8] = 5, 2, 0x80
	require.Equal(t, want, got, "wire contract, section 6")
}

func TestSemaphoreTake(t *testing.T) {
	s := testSemaphore(t)
	require.Zero(t, s.Take(4))
	require.NoError(t, s.Post(3))
	require.EqualValues(t, 2, s.Take(2))
	require.EqualValues(t, 1, s.Take(2))
	require.Zero(t, s.Take(2))
	require.NoError(t, s.Post(1))
	require.Zero(t, s.Wait(0, -1), "a limit of 0 takes nothing and does not block")
	require.EqualValues(t, 1, s.Wait(1, -1))
}

func TestSemaphoreWaitTimeout(t *testing.T) {
	s := testSemaphore(t)
	require.Zero(t, s.Wait(1, 0))
	began := time.Now()
	for time.Since(began) < 20*time.Millisecond {
		require.Zero(t, s.Wait(1, 20*time.Millisecond))
	}
	tokens, waiters := s.State()
	require.Zero(t, tokens)
	require.Zero(t, waiters, "a waiter that gives up takes itself off")
}

// waitBlocked returns when a waiter is registered.
func waitBlocked(s *semaphore) {
	for {
		if _, waiters := s.State(); waiters > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestSemaphoreWakeByPostAndByWake(t *testing.T) {
	s := testSemaphore(t)
	got := make(chan uint32)
	go func() { got <- s.Wait(2, -1) }()
	waitBlocked(s)
	require.NoError(t, s.Post(5))
	require.EqualValues(t, 2, <-got)
	tokens, waiters := s.State()
	require.EqualValues(t, 3, tokens)
	require.Zero(t, waiters)

	s.Take(3)
	go func() { got <- s.Wait(2, -1) }()
	waitBlocked(s)
	for done := false; !done; {
		s.Wake()
		select {
		case n := <-got:
			require.Zero(t, n)
			done = true
		case <-time.After(time.Millisecond):
		}
	}
	_, waiters = s.State()
	require.Zero(t, waiters)
}

func TestSemaphoreOverflow(t *testing.T) {
	s := testSemaphore(t)
	require.NoError(t, s.Post(futex.MaxValue-1))
	require.ErrorIs(t, s.Post(2), driver.ErrOverflow)
	require.NoError(t, s.Post(1))
	require.ErrorIs(t, s.Post(1), driver.ErrOverflow)
	tokens, waiters := s.State()
	require.EqualValues(t, futex.MaxValue, tokens, "a refused post adds nothing")
	require.Zero(t, waiters)
	require.EqualValues(t, futex.MaxValue, s.Take(0xffffffff))
	require.NoError(t, s.Post(0))
}

// A peer may write anything: no call may hang, and no number may run below 0.
func TestSemaphoreGarbage(t *testing.T) {
	s := testSemaphore(t)
	word := futex.At(s.cur.Load().mem)
	for _, garbage := range []uint64{1 << 63, 1<<64 - 1, 0xffffffff, 0x80000000} {
		word.Store(garbage)
		value := garbage & math.MaxUint32
		if value > futex.MaxValue {
			require.ErrorIs(t, s.Post(1), driver.ErrOverflow)
		}
		require.EqualValues(t, value, s.Wait(0xffffffff, time.Millisecond))
	}
	word.Store(0)
	go func() {
		waitBlocked(s)
		word.Store(0) // somebody resets the waiters under a waiter
		s.Wake()
	}()
	require.Zero(t, s.Wait(1, 50*time.Millisecond))
	_, waiters := s.State()
	require.Zero(t, waiters)
}

func TestSemaphoreResetWaiters(t *testing.T) {
	s := testSemaphore(t)
	futex.At(s.cur.Load().mem).Store(3*futex.OneWaiter | 7)
	require.False(t, s.ResetWaiters(7, 2))
	require.False(t, s.ResetWaiters(6, 3))
	require.True(t, s.ResetWaiters(7, 3))
	tokens, waiters := s.State()
	require.EqualValues(t, 7, tokens)
	require.Zero(t, waiters)
}

func TestSemaphoreCountsConcurrentSafe(t *testing.T) {
	s := testSemaphore(t)
	const posters, each = 4, 5000
	var posted sync.WaitGroup
	for range posters {
		posted.Go(func() {
			for range each {
				if err := s.Post(1); err != nil {
					panic(err)
				}
			}
		})
	}
	var got atomic.Int64
	for got.Load() < posters*each {
		got.Add(int64(s.Wait(3, 10*time.Millisecond)))
	}
	posted.Wait()
	require.EqualValues(t, posters*each, got.Load())
	tokens, waiters := s.State()
	require.Zero(t, tokens)
	require.Zero(t, waiters)
}

func TestSemaphoreAllocatesNothing(t *testing.T) {
	s := testSemaphore(t)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = s.Post(2)
		s.Take(1)
		s.Wait(1, time.Millisecond)
		s.Wait(1, 10*time.Microsecond)
		s.State()
		s.Wake()
	}))
}

func TestSemaphoreExchangeWakesOldWaiter(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	c := create(t, b, name)
	s := c.sems[0]
	got := make(chan uint32)
	go func() { got <- s.Wait(1, -1) }()
	waitBlocked(&s.semaphore)
	require.NoError(t, os.Remove(s.path))
	require.NoError(t, c.Check())
	require.Zero(t, <-got)
	require.True(t, exists(s.path), "a removed semaphore is made again")
}
