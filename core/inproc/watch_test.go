package inproc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

// openLive returns the Liveness of a channel on a machine, and another process on it.
func openLive(t *testing.T) (driver.Liveness, *inproc.Process) {
	t.Helper()
	m := inproc.NewMachine()
	p := m.Process()
	r, err := zerobuffer.NewReader(p, "watched", nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	ch, err := p.Open("watched", driver.Config{})
	require.NoError(t, err)
	return ch.Liveness(), m.Process()
}

func TestWatchKilled(t *testing.T) {
	live, other := openLive(t)
	died := make(chan bool, 2)
	stop := live.Watch(other.PID(), func() { died <- true })
	other.Kill()
	<-died
	stop()
	stop()
	require.Empty(t, died, "called twice")
}

func TestWatchStopped(t *testing.T) {
	live, other := openLive(t)
	stop := live.Watch(other.PID(), func() { t.Error("called after stop") })
	stop()
	other.Kill()
	require.Nil(t, live.Watch(other.PID(), func() { t.Error("called for a process that is gone") }))
}

// TestWatchWriterNoticesDeadReader writes without ever waiting for room: only the watch can tell
// that the reader was killed.
func TestWatchWriterNoticesDeadReader(t *testing.T) {
	m := inproc.NewMachine()
	p := m.Process()
	_, err := zerobuffer.NewReader(p, "watched", nil)
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(m.Process(), "watched", nil)
	require.NoError(t, err)
	require.NoError(t, w.WriteFrame(t.Context(), []byte("x")))
	p.Kill()
	for frames := 0; err == nil; frames++ {
		require.Less(t, frames, 5000, "the death was not noticed while there was room")
		time.Sleep(time.Millisecond)
		err = w.WriteFrame(t.Context(), []byte("x"))
	}
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.NoError(t, w.Close())
}
