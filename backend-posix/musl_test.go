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

// muslBackend returns a backend that makes musl's semaphores, with lock files of its own.
func muslBackend(t *testing.T) *Backend {
	b := newBackend(t)
	b.library = Musl
	return b
}

// muslSemaphore returns the data semaphore of a new buffer, and its word.
func muslSemaphore(t *testing.T) (*semaphore, *atomic.Uint64) {
	b := muslBackend(t)
	s := &create(t, b, newName(t, b)).sems[0].semaphore
	return s, futex.At(s.cur.Load().mem)
}

// muslPost posts as musl does in the given age, without the wake. Interop tests run the real ones.
var muslPost = map[string]func(word *atomic.Uint64){
	"until-1.2.3": func(word *atomic.Uint64) {
		changeValue(word, func(value, _ int32) int32 {
			if value < 0 {
				value++
			}
			return value + 1
		})
	},
	"since-1.2.4": func(word *atomic.Uint64) {
		changeValue(word, func(value, waiters int32) int32 {
			if value++; waiters <= 1 {
				value &= math.MaxInt32
			}
			return value
		})
	},
}

func changeValue(word *atomic.Uint64, change func(value, waiters int32) int32) {
	for {
		old := word.Load()
		next := change(int32(uint32(old)), int32(old>>waiterShift))
		if word.CompareAndSwap(old, old>>waiterShift<<waiterShift|uint64(uint32(next))) {
			return
		}
	}
}

func TestMuslSemaphoreFileFormat(t *testing.T) {
	b := muslBackend(t)
	name := newName(t, b)
	c := create(t, b, name)
	require.NoError(t, c.DataReady().Post(5))
	futex.At(c.sems[0].cur.Load().mem).Add(2 * futex.OneWaiter)
	got, err := os.ReadFile("/dev/shm/sem-w-" + name)
	require.NoError(t, err)
	want := make([]byte, 32)
	want[0], want[4] = 5, 2
	require.Equal(t, want, got, "wire contract, section 6")
}

// While ours sleeps the word has the mark of newer versions: older ones wake for any value below 0.
func TestMuslWaitMarksAndLeavesNoMark(t *testing.T) {
	s, word := muslSemaphore(t)
	for _, left := range []uint64{0, muslOldWaits, muslWaits, 3 * futex.OneWaiter, muslBlocked} {
		word.Store(left)
		got := make(chan uint32, 1)
		go func() { got <- s.Wait(1, -1) }()
		for dog := time.Now(); word.Load() != 1<<32|1<<31; time.Sleep(time.Millisecond) {
			require.Less(t, time.Since(dog), 10*time.Second, "%#x is no mark", word.Load())
		}
		for done := false; !done; {
			s.Wake()
			select {
			case n := <-got:
				require.Zero(t, n)
				done = true
			case <-time.After(time.Millisecond):
			}
		}
		require.Zero(t, word.Load(), "neither mark nor waiter stays behind %#x", left)
	}
}

// Each version of musl leaves its own traces of the same number of posts to a sleeping waiter.
func TestMuslTakesWhatPeersPost(t *testing.T) {
	s, word := muslSemaphore(t)
	for name, post := range muslPost {
		for posts := range uint32(5) {
			word.Store(muslBlocked)
			for range posts {
				post(word)
			}
			tokens, waiters := s.State()
			require.Equal(t, posts, tokens, "%s: %#x", name, word.Load())
			require.EqualValues(t, 1, waiters)
			if posts > 1 {
				require.EqualValues(t, 1, s.Take(1))
				require.Equal(t, posts-1, uint32(word.Load()), "%s: the rest without mark", name)
				post(word)
			}
			require.Equal(t, posts, s.Take(math.MaxUint32), name)
			if posts > 0 {
				require.EqualValues(t, 1<<32, word.Load(), name)
			}
		}
	}
}

// What waiters of musl leave of the value becomes the number of tokens and nothing else.
func TestMuslPostTakesTheMarkAway(t *testing.T) {
	s, word := muslSemaphore(t)
	for _, blocked := range []uint64{muslOldWaits, muslWaits} {
		for _, waiters := range []uint64{0, 1, 2} {
			word.Store(waiters<<32 | blocked)
			require.NoError(t, s.Post(0))
			require.Equal(t, waiters<<32|blocked, word.Load(), "no token, no change")
			require.NoError(t, s.Post(3))
			require.Equal(t, waiters<<32|3, word.Load())
			require.NoError(t, s.Post(1))
			require.Equal(t, waiters<<32|4, word.Load())
		}
	}
	word.Store(2<<32 | muslWaits | 2) // a newer post to one of two waiters, which counts once
	require.NoError(t, s.Post(1))
	require.EqualValues(t, 2<<32|3, word.Load())
}

func TestMuslPostWakesEveryone(t *testing.T) {
	s, word := muslSemaphore(t)
	for _, value := range []uint64{muslOldWaits, muslWaits} {
		word.Store(2<<32 | value)
		var sleepers sync.WaitGroup
		for range 2 {
			sleepers.Go(func() {
				for uint32(word.Load()) == uint32(value) {
					futex.Block(word, uint32(value), -1)
				}
			})
		}
		time.Sleep(20 * time.Millisecond) // most probably both sleep now
		require.NoError(t, s.Post(1))
		sleepers.Wait()
	}
}

func TestMuslOverflow(t *testing.T) {
	s, word := muslSemaphore(t)
	require.NoError(t, s.Post(futex.MaxValue-1))
	require.ErrorIs(t, s.Post(2), driver.ErrOverflow)
	require.NoError(t, s.Post(1))
	require.ErrorIs(t, s.Post(1), driver.ErrOverflow)
	require.EqualValues(t, futex.MaxValue, word.Load(), "a refused post adds nothing")
	require.EqualValues(t, futex.MaxValue, s.Take(math.MaxUint32))
	word.Store(muslOldWaits)
	require.NoError(t, s.Post(futex.MaxValue))
	require.EqualValues(t, futex.MaxValue, word.Load())
}

// A peer may write anything: no call may hang, no number may run below 0, and no token may be
// there twice.
func TestMuslGarbage(t *testing.T) {
	s, word := muslSemaphore(t)
	for garbage, tokens := range map[uint64]uint32{
		1<<64 - 1: 0, 1 << 63: 0, 1<<63 | 1<<31 | 7: 7, 0xfffffffe: 0x3fffffff, 0x80000001: 1,
		0x7fffffff: 0x7fffffff, 1<<63 | 0xfffffffe: 0x7ffffffe,
	} {
		word.Store(garbage)
		got, _ := s.State()
		require.Equal(t, tokens, got, "%#x", garbage)
		require.Equal(t, tokens, s.Wait(math.MaxUint32, time.Millisecond), "%#x", garbage)
		require.LessOrEqual(t, uint32(word.Load()), uint32(math.MaxInt32), "%#x", garbage)
		require.Zero(t, s.Take(1))
	}
	word.Store(0)
	go func() {
		waitBlocked(s)
		word.Store(0) // somebody resets the waiters under a waiter
		s.Wake()
	}()
	require.Zero(t, s.Wait(1, 50*time.Millisecond))
	require.Zero(t, word.Load())
}

// A killed waiter leaves the mark, which would make a waiter of musl 1.2.3 spin.
func TestMuslResetWaitersTakesTheMarkAway(t *testing.T) {
	s, word := muslSemaphore(t)
	for _, value := range []uint64{muslOldWaits, muslWaits} {
		word.Store(1<<32 | value)
		require.False(t, s.ResetWaiters(1, 1))
		require.False(t, s.ResetWaiters(0, 2))
		require.True(t, s.ResetWaiters(0, 1))
		require.Zero(t, word.Load())
	}
	word.Store(1<<32 | muslWaits | 6)
	require.True(t, s.ResetWaiters(3, 1))
	require.EqualValues(t, 3, word.Load())
}

func TestMuslCountsConcurrentSafe(t *testing.T) {
	for name, post := range muslPost {
		t.Run(name, func(t *testing.T) { countPosts(t, post) })
	}
}

// countPosts takes what two posters of ours and two of musl post at the same time.
func countPosts(t *testing.T, post func(*atomic.Uint64)) {
	const posters, each = 4, 5000
	s, word := muslSemaphore(t)
	var posted sync.WaitGroup
	for i := range posters {
		posted.Go(func() {
			for range each {
				if i%2 == 0 {
					post(word)
					s.Wake()
				} else if err := s.Post(1); err != nil {
					panic(err)
				}
			}
		})
	}
	got := 0
	for got < posters*each {
		got += int(s.Wait(3, 10*time.Millisecond))
	}
	posted.Wait()
	require.Equal(t, posters*each, got)
	require.Zero(t, word.Load())
}

func TestMuslAllocatesNothing(t *testing.T) {
	s, _ := muslSemaphore(t)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = s.Post(2)
		s.Take(1)
		s.Wait(1, time.Millisecond)
		s.Wait(1, 10*time.Microsecond)
		s.State()
		s.ResetWaiters(0, 0)
		s.Wake()
	}))
}
