//go:build linux

package posixshm

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

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
	require.Nil(t, r.live.Watch(0, never))
	for _, pid := range []uint64{1 << 40, uint64(os.Getpid()), w.PID()} {
		r.live.Watch(pid, never)()
	}
}

// Without pidfds, as in some sandboxes, the end of a process is told as well, and so it is if the
// poller does not take one: there may be too many, or, here, it has it already.
func TestWatchWithoutPidfdCrossProcess(t *testing.T) {
	defer func(f func(int, int) (int, error)) { pidfdOpen = f }(pidfdOpen)
	t.Run("no system call", func(t *testing.T) {
		pidfdOpen = func(int, int) (int, error) { return -1, unix.ENOSYS }
		requireDeathTold(t)
	})
	t.Run("no poller", func(t *testing.T) {
		var polled *os.File
		pidfdOpen = func(pid, flags int) (int, error) {
			fd, err := unix.PidfdOpen(pid, flags)
			polled = os.NewFile(uintptr(fd), "pidfd")
			return fd, err
		}
		requireDeathTold(t)
		_ = polled.Close() // of a number that the watch has closed, and nobody has got since
	})
}

// requireDeathTold kills a writer under a watch of it.
func requireDeathTold(t *testing.T) {
	t.Helper()
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "writer", name)
	w.Line()
	died := make(chan bool, 1)
	stop := r.live.Watch(w.PID(), func() { died <- true })
	defer stop()
	w.Kill()
	select {
	case <-died:
	case <-time.After(10 * time.Second):
		t.Fatal("the death is not told")
	}
}

// The number of a peer in another PID namespace is that of a stranger here: the end of that one is
// not told, the end of the peer is.
func TestWatchUnseenPeerCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "writer", name)
	require.Equal(t, "ready 1", w.Line())
	stranger := start(t, b, nil, "sleep")
	stranger.Line()
	died := make(chan uint64, 8)
	for _, pid := range []uint64{1, 1 << 40, uint64(os.Getpid()), stranger.PID()} {
		t.Cleanup(r.live.Watch(pid, func() { died <- pid }))
	}
	stranger.Kill()
	time.Sleep(3 * unseenLook)
	require.Empty(t, died, "the peer lives")
	w.Kill()
	for end := time.Now().Add(10 * time.Second); len(died) < 4; time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "the death is not told")
	}
	time.Sleep(2 * unseenLook)
	require.Len(t, died, 4, "called twice")
}
