package winshm

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// watchdog turns a hang into a failure that says what did not happen.
const watchdog = 30 * time.Second

// eventually waits for what another process does.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for begin := time.Now(); !cond(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > watchdog {
			t.Fatalf("%s did not happen", what)
		}
	}
}

// newReader makes a buffer as soon as the name is free.
func newReader(t *testing.T, name string) (r *zerobuffer.Reader) {
	t.Helper()
	untilFree(t, func() (err error) {
		r, err = zerobuffer.NewReader(New(nil), name, &zerobuffer.ReaderOptions{PayloadSize: 256})
		return err
	})
	t.Cleanup(func() { r.Close() })
	return r
}

func TestCrossProcessWriterKilledWhileBlocked(t *testing.T) {
	name := newName()
	r := newReader(t, name)
	spy := open(t, New(nil), name)
	w := testproc.Start(t, "full-writer", name).Ready()
	eventually(t, "a blocked writer", func() bool {
		_, waiters := spy.SpaceReady().State()
		return waiters == 1
	})
	w.Kill()
	killed := time.Now()
	ctx := context.Background()
	for seq := uint64(1); seq <= 2; seq++ {
		f, err := r.ReadFrame(ctx)
		require.NoError(t, err)
		require.Equal(t, seq, f.Sequence())
		f.Release()
	}
	_, err := r.ReadFrame(ctx)
	require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	t.Logf("both frames and the death seen after %v", time.Since(killed))
	_, waiters := spy.SpaceReady().State()
	require.Zero(t, waiters, "the dead waiter is still counted")

	next, err := zerobuffer.NewWriter(New(nil), name, nil)
	require.NoError(t, err)
	defer next.Close()
	require.NoError(t, next.WriteFrame(ctx, []byte("on")))
	f, err := r.ReadFrame(ctx)
	require.NoError(t, err)
	require.Equal(t, uint64(3), f.Sequence())
	f.Release()
}

// The reader is told by the process handle; without it the look after 500 ms would tell as well.
func TestCrossProcessReaderKilledWhileWriterBlocks(t *testing.T) {
	name := newName()
	reader := testproc.Start(t, "reader", name).Ready()
	w, err := zerobuffer.NewWriter(New(nil), name, nil)
	require.NoError(t, err)
	defer w.Close()
	spy := open(t, New(nil), name)
	done := make(chan error, 1)
	go func() {
		for {
			if err := w.WriteFrame(context.Background(), make([]byte, 100)); err != nil {
				done <- err
				return
			}
		}
	}()
	eventually(t, "a blocked writer", func() bool {
		_, waiters := spy.SpaceReady().State()
		return waiters == 1
	})
	reader.Kill()
	killed := time.Now()
	err = <-done
	t.Logf("the death was seen after %v", time.Since(killed))
	var gone *zerobuffer.ReaderGoneError
	require.ErrorAs(t, err, &gone)
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.Equal(t, uint64(2), gone.Unread)

	// The old writer has not closed, but it has let go of the names.
	require.ErrorIs(t, spy.Check(), driver.ErrSegmentRemoved)
	require.ErrorIs(t, spy.live.Claim(driver.Writer), driver.ErrNotReady)
	newReader(t, name)
	require.False(t, spy.live.Ours(driver.Reader), "the claim of the next reader is another's")
}

// A writer that rests while its reader is killed has let go of everything by the next call.
func TestCrossProcessReaderKilledWhileWriterRests(t *testing.T) {
	name := newName()
	reader := testproc.Start(t, "reader", name).Ready()
	w, err := zerobuffer.NewWriter(New(nil), name, nil)
	require.NoError(t, err)
	require.NoError(t, w.WriteFrame(context.Background(), []byte("one")))
	reader.Kill()
	newReader(t, name) // waits until the names are free
	err = w.WriteFrame(context.Background(), []byte("two"))
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	for err = nil; err == nil; { // until the ring is full, at the latest
		err = w.WriteFrame(context.Background(), []byte("three"))
	}
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.NoError(t, w.Close())
}

func TestCrossProcessWatch(t *testing.T) {
	name := newName()
	c := create(t, New(nil), name)
	p := testproc.Start(t, "sleep", name).Ready()
	died := make(chan time.Time, 1)
	stop := c.live.Watch(p.PID(), func() { died <- time.Now() })
	defer stop()
	killed := time.Now()
	p.Kill()
	select {
	case at := <-died:
		t.Logf("the watch told it after %v", at.Sub(killed))
	case <-time.After(watchdog):
		t.Fatal("the end of the process was not told")
	}
	stop()

	other := testproc.Start(t, "sleep", name).Ready()
	stop = c.live.Watch(other.PID(), func() { t.Error("told the end of a process that lives") })
	stop()
	stop()
	require.Nil(t, c.live.Watch(uint64(os.Getpid()), func() { t.Error("watched itself") }))
	require.Nil(t, c.live.Watch(1<<40, func() { t.Error("watched nothing") }))
}

func TestCrossProcessClaimEndsWithItsProcess(t *testing.T) {
	name := newName()
	c := create(t, New(nil), name)
	w := testproc.Start(t, "writer", name).Ready()
	live := c.Liveness()
	require.True(t, live.Ours(driver.Writer))
	require.True(t, live.Alive(driver.Writer, w.PID()))
	require.ErrorIs(t, open(t, New(nil), name).Liveness().Claim(driver.Writer),
		driver.ErrWriterConnected)
	w.Kill()
	eventually(t, "the end of the claim", func() bool { return !live.Ours(driver.Writer) })
	require.False(t, live.Alive(driver.Writer, w.PID()))
	// It was a program of ours: without its claim it is dead, whoever has its number now.
	require.False(t, live.Alive(driver.Writer, w.PID()))
}

func TestCrossProcessAlive(t *testing.T) {
	name := newName()
	c := create(t, New(nil), name)
	spy := open(t, New(nil), name)
	c.Liveness().Disclaim(driver.Reader)
	p := testproc.Start(t, "sleep", name).Ready()
	require.True(t, spy.live.Alive(driver.Writer, p.PID()))
	require.True(t, spy.live.Alive(driver.Reader, uint64(os.Getpid())))
	require.False(t, spy.live.Alive(driver.Writer, p.PID()+1), "numbers are not rounded")
	require.False(t, spy.live.Alive(driver.Writer, 1<<32|p.PID()))
	require.True(t, spy.live.Alive(driver.Writer, p.PID()))
	p.Kill()
	require.False(t, spy.live.Alive(driver.Writer, p.PID()))
	require.False(t, spy.live.Alive(driver.Reader, p.PID()), "there is a handle of it, no process")
}

// A process that may not be opened is somebody else's, and alive.
func TestCrossProcessAliveHidden(t *testing.T) {
	c := create(t, New(nil), newName())
	p := testproc.Start(t, "hidden", newName()).Ready()
	_, err := openProcess(p.PID())
	require.ErrorIs(t, err, errHidden)
	require.True(t, c.live.Alive(driver.Writer, p.PID()))
	require.True(t, aliveProcess(p.PID()))
	require.Nil(t, c.live.Watch(p.PID(), func() { t.Error("watched what may not be opened") }))
	p.End()
	eventually(t, "the end of the process", func() bool {
		return !c.live.Alive(driver.Writer, p.PID())
	})
}
