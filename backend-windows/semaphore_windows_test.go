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
