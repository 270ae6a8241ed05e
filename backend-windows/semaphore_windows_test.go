package winshm

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// There is nobody who posts any more; Wake and Close still end a Wait.
func TestSemaphoreWakeAfterLetGo(t *testing.T) {
	name := newName()
	create(t, New(nil), name)
	ch, err := New(nil).Open(name, driver.Config{})
	require.NoError(t, err)
	c, ok := ch.(*channel)
	require.True(t, ok)
	s, done, closed := c.sems[0], make(chan uint32, 1), make(chan error, 1)
	s.letGo()
	t.Cleanup(func() {
		if t.Failed() { // it must not hang as well
			_ = windows.SetEvent(s.wake)
		}
	})
	go func() { done <- s.Wait(1, -1) }()
	eventually(t, "the end of a wait by Wake", func() bool { s.Wake(); return len(done) > 0 })
	require.Zero(t, <-done)

	go func() { done <- s.Wait(1, -1) }()
	eventually(t, "a wait", func() bool { return s.blocked.Load() == 1 })
	go func() { closed <- errors.Join(ch.Remove(), ch.Close()) }()
	eventually(t, "the end of a wait by Close", func() bool { return len(closed) > 0 })
	require.NoError(t, <-closed)
	require.Zero(t, <-done)
}

// A program that does not know the value of a semaphore must not take it for 0.
func TestSemaphoreThatCannotBeQueried(t *testing.T) {
	name := newName()
	c := create(t, New(nil), name)
	deaf := func() windows.Handle {
		h, err := openSemaphore(windows.SYNCHRONIZE|semModifyState, false,
			utf16Name(c.names.sems[0]))
		require.NoError(t, err)
		return h
	}
	_, err := newSemaphore(deaf())
	require.ErrorContains(t, err, "query semaphore")

	s := open(t, New(nil), name).sems[0]
	known := s.handle
	s.handle = deaf()
	tokens, waiters := s.State()
	require.Equal(t, uint32(semMax), tokens)
	require.Zero(t, waiters)
	require.False(t, s.ResetWaiters(tokens, waiters))
	require.NoError(t, windows.CloseHandle(s.handle))
	s.handle = known
	tokens, _ = s.State()
	require.Zero(t, tokens)
}
