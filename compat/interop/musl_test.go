//go:build linux

package interop

import (
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// cJobs are streams through small rings: with 4 KiB and frames of up to 1500 bytes both sides block
// all the time, with 64 KiB now and then.
var cJobs = map[string]job{
	"blocks":    {ring: 4096, count: 3000, smallest: 1, large: 1500},
	"one-frame": {ring: 128, count: 1000, smallest: 40, large: 48},
	"wraps":     {ring: 65536, count: 3000, smallest: 100, large: 20000},
}

func forJobs(t *testing.T, test func(t *testing.T, l cLibrary, j job)) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		for name, j := range cJobs {
			t.Run(name, func(t *testing.T) { test(t, l, j) })
		}
	})
}

func TestCReader(t *testing.T) {
	forJobs(t, func(t *testing.T, l cLibrary, j job) {
		j.name, j.role = newName(t), "reader"
		p := l.start(t, j)
		w := newWriter(t, j.name)
		j.write(t, w, 0, j.count)
		p.says("done %d 0", j.count)
		p.close()
		require.ErrorIs(t, w.WriteFrame(watched(t), j.frame(0)), zerobuffer.ErrReaderClosed)
	})
}

func TestCWriter(t *testing.T) {
	forJobs(t, func(t *testing.T, l cLibrary, j job) {
		j.name, j.role = newName(t), "writer"
		r := l.newReader(t, j.name, j.ring)
		p := l.start(t, j)
		j.read(t, r, 0, j.count)
		p.says("done %d 0", j.count)
		p.close()
		_, err := r.ReadFrame(watched(t))
		require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	})
}

// Both semaphores bare, without a spin or a second look on our side: a wake-up that is lost on
// either side is a hang.
func TestCSemaphoreHandover(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		const rounds = 5000
		name := newName(t)
		l.newReader(t, name, 4096)
		p := l.start(t, job{role: "echo", name: name, count: rounds, smallest: 1, large: 1})
		channel, err := backend.Open(name, quiet)
		require.NoError(t, err)
		defer channel.Close()
		dog := time.AfterFunc(watchdog, func() { panic("hang: " + state(name)) })
		defer dog.Stop()
		for i := range rounds {
			require.NoError(t, channel.DataReady().Post(1))
			if i%3 == 0 { // the peer has answered, or it has to wake ours
				time.Sleep(time.Duration(rand.IntN(30)) * time.Microsecond)
			}
			for channel.SpaceReady().Wait(1, -1) == 0 {
			}
		}
		p.says("done %d 0", rounds)
		require.Equal(t, []uint32{0, 0}, tokensOf(channel))
		p.close()
	})
}

// Many posts to one wait, of ours and of the peer's, and waits of ours that end in vain between.
func TestCSemaphoreCounts(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		const rounds, burst = 300, 20
		name := newName(t)
		l.newReader(t, name, 4096)
		p := l.start(t, job{
			role: "echo", name: name, count: rounds * burst, smallest: 1, large: 1,
		})
		channel, err := backend.Open(name, quiet)
		require.NoError(t, err)
		defer channel.Close()
		dog := time.AfterFunc(watchdog, func() { panic("hang: " + state(name)) })
		defer dog.Stop()
		for range rounds {
			require.Zero(t, channel.SpaceReady().Wait(1, 100*time.Microsecond))
			go func() {
				for range burst / 4 {
					_ = channel.DataReady().Post(4)
				}
			}()
			for got := 0; got < burst; {
				got += int(channel.SpaceReady().Wait(uint32(burst-got), -1))
			}
		}
		p.says("done %d 0", rounds*burst)
		require.Equal(t, []uint32{0, 0}, tokensOf(channel))
		p.close()
	})
}

func tokensOf(c driver.Channel) []uint32 {
	data, _ := c.DataReady().State()
	space, _ := c.SpaceReady().State()
	return []uint32{data, space}
}

// A C reader that waits sees our close at once: one token without a frame wakes it.
func TestCReaderSeesWriterClose(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		j := job{role: "reader", ring: 4096, count: 100, smallest: 1, large: 500}
		j.name = newName(t) // it waits without a time-out of its own
		p := l.start(t, j)
		w := newWriter(t, j.name)
		j.write(t, w, 0, 50)
		require.NoError(t, w.WaitDrained(watched(t)))
		waitForWaiter(t, j.name, true)
		require.NoError(t, w.Close())
		p.says("gone 50 0")
		p.close()
	})
}

// A writer that waits for space is woken when our reader closes.
func TestCWriterWokenByClose(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		j := job{role: "writer", name: newName(t), count: 100, smallest: 1000, large: 1000}
		r := l.newReader(t, j.name, 4096)
		p := l.start(t, j)
		waitForWaiter(t, j.name, false)
		require.NoError(t, r.Close())
		p.says("gone 4 0")
		p.close()
	})
}

// The peer is killed while it sleeps on sem-r. Its place there is taken away, and the next writer,
// whoever it is, goes on.
func TestCWriterKilledWhileItWaits(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		j := job{role: "writer", name: newName(t), count: 1000, smallest: 1000, large: 1000}
		r := l.newReader(t, j.name, 4096)
		p := l.start(t, j)
		waitForWaiter(t, j.name, false)
		p.kill()
		j.read(t, r, 0, 4)
		_, err := r.ReadFrame(watched(t))
		require.ErrorIs(t, err, zerobuffer.ErrWriterDead)

		w := newWriter(t, j.name)
		require.NoError(t, r.WaitWriter(watched(t)))
		written := make(chan struct{})
		go func() { defer close(written); j.write(t, w, 4, 500) }()
		j.read(t, r, 4, 500)
		<-written
		require.NoError(t, w.Close())

		p = l.start(t, j)
		require.NoError(t, r.WaitWriter(watched(t)))
		j.read(t, r, 0, 1000)
		p.says("done 1000 0")
		p.close()
	})
}

// A wait of ours that ends in vain leaves nothing behind: a writer of musl 1.2.3 would not sleep on
// the mark, and what a reader of that version posts to it would never become a token for it.
func TestCWriterAfterOursHasWaited(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		j := job{role: "reader", name: newName(t), ring: 4096, smallest: 900, large: 1000}
		j.count = 1000
		r := l.start(t, j)
		channel, err := backend.Open(j.name, quiet)
		require.NoError(t, err)
		require.Zero(t, channel.SpaceReady().Wait(1, time.Millisecond))
		require.NoError(t, channel.Close())
		j.role = "writer"
		w := l.start(t, j)
		r.says("done 1000 0")
		w.says("done 1000 0")
		w.close()
		r.close()
	})
}

// Ours is killed while it sleeps on sem-r: the mark that it leaves must not reach the peer that
// comes next, for which it would be no reason to sleep.
func TestCWriterAfterOursKilledCrossProcess(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		name := newName(t)
		r := l.newReader(t, name, helperPayload)
		c := startChild(t, "writer", name, 0, 1<<30)
		waitForWaiter(t, name, false)
		c.kill()
		readUntil(t, helperSizes, r, 0, zerobuffer.ErrWriterDead)

		j := job{role: "writer", name: name, count: 1000, smallest: 1, large: 5000}
		p := l.start(t, j)
		require.NoError(t, r.WaitWriter(watched(t)))
		j.read(t, r, 0, j.count)
		p.says("done 1000 0")
		p.close()
	})
}

// A C reader is killed while it sleeps, and leaves everything; the next one of either library has
// the name at once, and ours finds the semaphores that are in use.
func TestCReaderKilledWhileItWaits(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		name := newName(t, "lock") // that the next reader made its own
		j := job{role: "reader", name: name, ring: 4096, count: 100, smallest: 1, large: 500}
		p := l.start(t, j)
		w := newWriter(t, name)
		j.write(t, w, 0, 10)
		waitForWaiter(t, name, true)
		p.kill()
		err := writeUntilError(watched(t), w, j.frame(0))
		require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
		require.NoError(t, w.Close())

		for _, kind := range []posixshm.CLibrary{posixshm.Musl - l.kind, l.kind} {
			r := cLibrary{kind: kind}.newReader(t, name, 4096)
			w := newWriter(t, name)
			j.write(t, w, 0, 2)
			j.read(t, r, 0, 2)
			require.NoError(t, w.Close())
			require.NoError(t, r.Close())
		}
	})
}

// A program with the other library finds no semaphores of its own and says so.
func TestCWriterOfTheOtherLibrary(t *testing.T) {
	forLibraries(t, func(t *testing.T, l cLibrary) {
		name := newName(t)
		cLibrary{kind: posixshm.Musl - l.kind}.newReader(t, name, 4096)
		j := job{role: "writer", name: name, count: 1, smallest: 1, large: 1}
		text, err := exec.Command(need(t, l.variable), j.args()...).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(text), "sem_open: No such file or directory")
	})
}
