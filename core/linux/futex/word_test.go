//go:build linux

package futex

import (
	"math"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// newWord returns a word in a mapping, as two processes would share it.
func newWord(t *testing.T) Word {
	t.Helper()
	mem, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_SHARED|syscall.MAP_ANON)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(mem)) })
	return NewWord(mem)
}

func TestWordLayout(t *testing.T) {
	w := newWord(t)
	require.NoError(t, w.Post(5))
	w.word.Add(2 * OneWaiter)
	require.EqualValues(t, 2<<32|5, w.word.Load(), "wire contract, section 6")
	tokens, waiters := w.State()
	require.EqualValues(t, 5, tokens)
	require.EqualValues(t, 2, waiters)
	require.False(t, w.ResetWaiters(5, 1))
	require.True(t, w.ResetWaiters(5, 2))
	require.EqualValues(t, 5, w.word.Load())
}

func TestWordOverflow(t *testing.T) {
	w := newWord(t)
	require.NoError(t, w.Post(MaxValue))
	require.ErrorIs(t, w.Post(1), driver.ErrOverflow)
	require.EqualValues(t, MaxValue, w.word.Load(), "a refused post adds nothing")
	require.EqualValues(t, MaxValue, w.Take(math.MaxUint32))
}

// A peer may write anything: no call hangs, and no number runs below 0.
func TestWordGarbage(t *testing.T) {
	w := newWord(t)
	for _, garbage := range []uint64{1 << 63, math.MaxUint64, math.MaxUint32, 1 << 31} {
		w.word.Store(garbage)
		require.EqualValues(t, garbage&math.MaxUint32, w.Take(math.MaxUint32))
		w.word.Store(0)
		require.Zero(t, w.takeAndLeave(1))
		require.Zero(t, w.word.Load())
	}
}

func TestWordWaitEndsByItself(t *testing.T) {
	w := newWord(t)
	require.Zero(t, w.Wait(1, time.Millisecond))
	require.Zero(t, w.word.Load(), "a waiter that gives up takes itself off")
	require.NoError(t, w.Post(1))
	require.EqualValues(t, 1, w.Wait(1, -1), "the kernel does not block on another value")
}

func TestWordWakes(t *testing.T) {
	w := newWord(t)
	got := make(chan uint32)
	blocked := func() {
		for _, n := w.State(); n == 0; _, n = w.State() {
			time.Sleep(100 * time.Microsecond)
		}
	}
	go func() { got <- w.Wait(2, -1) }()
	blocked()
	require.NoError(t, w.Post(3))
	require.EqualValues(t, 2, <-got)
	w.Take(1)
	go func() { got <- w.Wait(1, -1) }()
	blocked()
	for {
		w.Wake() // lost on a waiter that is just going to sleep
		select {
		case n := <-got:
			require.Zero(t, n)
			require.Zero(t, w.word.Load())
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestWordCountsConcurrentSafe(t *testing.T) {
	w := newWord(t)
	const posters, each = 4, 2000
	var all sync.WaitGroup
	for range posters {
		all.Go(func() {
			for range each {
				if err := w.Post(1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := uint32(0); n < posters*each; {
		n += w.Wait(3, 10*time.Millisecond)
	}
	all.Wait()
	require.Zero(t, w.word.Load())
}
