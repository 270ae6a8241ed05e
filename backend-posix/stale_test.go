//go:build linux

package posixshm

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

func TestCreateReapsKilledReaderCrossProcess(t *testing.T) {
	for _, locks := range []string{"same-locks", "other-locks"} {
		t.Run(locks, func(t *testing.T) {
			b := newBackend(t)
			name := newName(t, b)
			r := start(t, b, nil, "reader", name)
			require.Equal(t, fmt.Sprintf("ready %d", r.PID()), r.Line())
			_, err := newBackend(t).Create(name, drivertest.Config(1<<16))
			require.ErrorIs(t, err, driver.ErrReaderConnected)
			require.ErrorContains(t, err, fmt.Sprint(r.PID()))
			r.Kill()
			before, _, err := lookup(b.segmentPath(name))
			require.NoError(t, err)
			if locks == "other-locks" {
				b = newBackend(t)
			}
			c := create(t, b, name)
			require.NotEqual(t, before, c.id)
		})
	}
}

// A writer that lives on with the segment of a dead reader does not block the name, as long as
// the reader's lock file shows that it is dead. Without that, it could be in a container.
func TestCreateReapsUnderLivingWriterCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, nil, "reader", name)
	r.Line()
	w := start(t, b, nil, "foreign-writer", name)
	w.Line()
	r.Kill()
	_, err := newBackend(t).Create(name, drivertest.Config(1<<16))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, fmt.Sprintf("process %d has it open", w.PID()))
	create(t, b, name)
}

// The number of the dead reader may belong to another process by now, an older one in a container.
func TestCreateReapsUnderLivingWriterDespiteStrangerCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, nil, "reader", name)
	r.Line()
	w := start(t, b, nil, "foreign-writer", name)
	w.Line()
	o := attach(t, b, name)
	v, err := layout.View(o.mem)
	require.NoError(t, err)
	v.ReaderPID.Store(uint64(os.Getppid()))
	r.Kill()
	create(t, b, name)
}

// The same if nobody may look into that process: it is older than the segment and of another user,
// as number 1 of the machine is to a user who shares /dev/shm with a container.
func TestCreateReapsUnderLivingWriterDespiteHiddenCrossProcess(t *testing.T) {
	needRoot(t)
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, user(1), "reader", name)
	r.Line()
	w := start(t, b, user(1), "foreign-writer", name)
	w.Line()
	mem, err := mapFile(b.segmentPath(name), os.O_RDWR)
	require.NoError(t, err)
	v, err := layout.View(mem)
	require.NoError(t, err)
	v.ReaderPID.Store(uint64(os.Getpid()))
	require.NoError(t, unix.Munmap(mem))
	r.Kill()
	next := start(t, b, user(1), "create", name, "65536")
	require.Equal(t, ": <nil>", next.Line())
}

func TestCreateLeavesForeignReaderAloneCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, nil, "foreign-reader", name)
	require.Equal(t, "filled", r.Line())
	result := make(chan error)
	go func() {
		_, err := b.Create(name, drivertest.Config(1<<16))
		result <- err
	}()
	r.Step() // while Create waits for the half-made segment
	require.Equal(t, fmt.Sprintf("ready %d", r.PID()), r.Line())
	err := <-result
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, fmt.Sprint(r.PID()))
	r.Kill()
	create(t, b, name)
}

// leaveLock leaves the lock file of a dead reader, which only says that some reader has died.
func leaveLock(t *testing.T, b *Backend, name string) {
	requireLockDir(t, b.lockDirs[0])
	require.NoError(t, os.WriteFile(paths(b, name)[3], nil, 0o600))
}

// What an old lock file says counts less than a claim, a living PID, or a reader that is busy.
func TestCreateLeavesLiveReaderAloneDespiteOldLock(t *testing.T) {
	b := newBackend(t)
	t.Run("claim", func(t *testing.T) {
		name := newName(t, b)
		c := create(t, newBackend(t), name)
		o, err := layout.View(c.mem)
		require.NoError(t, err)
		o.ReaderPID.Store(math.MaxInt32 - 1) // as if it were in another PID namespace
		leaveLock(t, b, name)
		_, err = b.Create(name, drivertest.Config(1<<16))
		require.ErrorIs(t, err, driver.ErrReaderConnected)
		require.NoError(t, c.Check())
	})
	t.Run("foreign-CrossProcess", func(t *testing.T) {
		name := newName(t, b)
		r := start(t, b, nil, "foreign-reader", name)
		require.Equal(t, "filled", r.Line())
		leaveLock(t, b, name)
		result := make(chan error)
		go func() {
			_, err := b.Create(name, drivertest.Config(1<<16))
			result <- err
		}()
		time.Sleep(3 * openGrace)
		r.Step()
		r.Line()
		require.ErrorIs(t, <-result, driver.ErrReaderConnected, "it was still being made")
		leaveLock(t, b, name)
		_, err := b.Create(name, drivertest.Config(1<<16))
		require.ErrorIs(t, err, driver.ErrReaderConnected, "its PID lives")
		require.True(t, exists(b.segmentPath(name)))
	})
}

func TestCreateReapsHalfMadeSegmentCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, nil, "foreign-reader", name)
	require.Equal(t, "filled", r.Line())
	_, err := b.Create(name, drivertest.Config(1<<16))
	require.ErrorIs(t, err, driver.ErrReaderConnected, "somebody has it open")
	r.Kill()
	create(t, b, name)
}

func TestCreateReapsTruncatedSegment(t *testing.T) {
	for _, size := range []int{0, 4, 127, 128, 4096} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			b := newBackend(t)
			name := newName(t, b)
			content := make([]byte, size)
			if size >= 4 {
				content[0] = 128
			}
			require.NoError(t, os.WriteFile(b.segmentPath(name), content, 0o600))
			create(t, b, name)
		})
	}
}

// A program that has the segment mapped may have written over its first bytes before the reader was
// killed. Lock file and semaphores show that it is the leftover of a reader; without them it is
// somebody's file.
func TestCreateReapsCorruptSegmentCrossProcess(t *testing.T) {
	for _, living := range []bool{false, true} {
		t.Run(fmt.Sprintf("living-writer-%v", living), func(t *testing.T) {
			b := newBackend(t)
			name := newName(t, b)
			r := start(t, b, nil, "reader", name)
			r.Line()
			if living {
				start(t, b, nil, "foreign-writer", name).Line()
			}
			mem, err := mapFile(b.segmentPath(name), os.O_RDWR)
			require.NoError(t, err)
			for i := range 128 {
				mem[i] = byte(i*37 + 1)
			}
			require.NoError(t, unix.Munmap(mem))
			for _, p := range paths(b, name)[1:3] {
				require.NoError(t, os.Truncate(p, 5000))
			}
			r.Kill()
			_, err = newBackend(t).Create(name, drivertest.Config(1<<16))
			require.ErrorIs(t, err, fs.ErrExist, "no lock file")
			require.True(t, exists(b.segmentPath(name)))
			c := create(t, b, name)
			require.NoError(t, c.Check())
		})
	}
	t.Run("no-semaphores", func(t *testing.T) {
		b := newBackend(t)
		name := newName(t, b)
		leaveLock(t, b, name)
		require.NoError(t, os.WriteFile(b.segmentPath(name), []byte("something else"), 0o600))
		_, err := b.Create(name, drivertest.Config(1<<16))
		require.ErrorIs(t, err, fs.ErrExist)
		require.True(t, exists(b.segmentPath(name)))
	})
}

// A reader in another PID namespace has a number that means nothing here.
func TestCreateLeavesReaderInContainerAloneCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "foreign-reader", name)
	require.Equal(t, "filled", r.Line())
	r.Step()
	require.Equal(t, "ready 1", r.Line())
	_, err := newBackend(t).Create(name, drivertest.Config(1<<16))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	r.Kill()
	create(t, newBackend(t), name)
}

func TestCreateStaleRaceConcurrentSafe(t *testing.T) {
	b, other := newBackend(t), newBackend(t)
	name := newName(t, b)
	for range 5 {
		r := start(t, b, nil, "reader", name)
		r.Line()
		r.Kill()
		results := make(chan error, 8)
		channels := make(chan driver.Channel, 8)
		for i := range 8 {
			go func() {
				ch, err := []*Backend{b, other}[i%2].Create(name, drivertest.Config(1<<14))
				if err == nil {
					channels <- ch
				}
				results <- err
			}()
		}
		for range 8 {
			if err := <-results; err != nil {
				require.ErrorIs(t, err, driver.ErrReaderConnected)
			}
		}
		require.Len(t, channels, 1)
		ch := <-channels
		require.NoError(t, ch.Check())
		require.NoError(t, ch.Remove())
		require.NoError(t, ch.Close())
	}
}

// Several programs make and remove one name all the time: nobody loses an object that it holds.
func TestCreateStormCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	var storms []*testproc.Child
	for range 3 {
		storms = append(storms, start(t, b, nil, "storm", name, "40"))
	}
	for _, c := range storms {
		require.Equal(t, "started", c.Line())
	}
	for _, c := range storms {
		require.Equal(t, "done", c.Line())
	}
	for _, p := range paths(b, name) {
		require.False(t, exists(p), p)
	}
}

// Whenever a reader is killed, the next one gets the name, and nothing else is left behind.
func TestCreateAfterKillAtAnyMomentCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	for i := range 25 {
		c := start(t, b, nil, "storm", name, "1000000")
		require.Equal(t, "started", c.Line())
		time.Sleep(time.Duration(i) * 137 * time.Microsecond)
		c.Kill()
		ch, err := b.Create(name, drivertest.Config(1<<14))
		require.NoError(t, err)
		require.NoError(t, ch.Check())
		require.NoError(t, ch.Remove())
		require.NoError(t, ch.Close())
		for _, p := range paths(b, name) {
			require.False(t, exists(p), p)
		}
	}
}

func TestParseHeader(t *testing.T) {
	require.Equal(t, header{}, parseHeader(nil))
	require.Equal(t, header{}, parseHeader(make([]byte, 128)))
	require.Equal(t, header{foreign: true}, parseHeader([]byte("x")))
	b := make([]byte, 128)
	b[0], b[0x50], b[0x58] = 128, 7, 9
	require.Equal(t, header{ready: true, readerPID: 9, writerPID: 7}, parseHeader(b))
	b[0x58] = 0
	require.False(t, parseHeader(b).ready)
}
