//go:build linux

package posixshm

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func TestWatchCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "writer", name)
	w.Line()
	died := make(chan bool, 2)
	stop := r.live.Watch(w.PID(), func() { died <- r.live.Alive(driver.Writer, w.PID()) })
	// The process is not waited for: a zombie has ended, too.
	require.NoError(t, w.Process.Kill())
	require.False(t, <-died, "the process has ended, and its claim is still there")
	stop()
	require.Empty(t, died, "called twice")
}

func TestWatchStoppedCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "writer", name)
	w.Line()
	never := func() { t.Error("called after stop, or for a process that cannot be watched") }
	stop := r.live.Watch(w.PID(), never)
	stop()
	w.Kill()
	for _, pid := range []uint64{0, 1 << 40, uint64(os.Getpid()), w.PID()} {
		r.live.Watch(pid, never)()
	}
}
