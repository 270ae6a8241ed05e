//go:build linux

package posixshm

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

func TestCheckSegmentRemovedAndReplaced(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := attach(t, b, name)
	require.NoError(t, r.Check())
	require.NoError(t, w.Check())
	require.NoError(t, os.Rename(r.path, r.path+"-away"))
	defer func() { _ = os.Remove(r.path + "-away") }()
	require.ErrorIs(t, w.Check(), driver.ErrSegmentRemoved)
	err := r.Check()
	require.ErrorIs(t, err, driver.ErrSegmentRemoved)
	require.ErrorContains(t, err, "RemoveIPC")
	require.NoError(t, os.WriteFile(r.path, []byte("x"), 0o600))
	require.ErrorIs(t, r.Check(), driver.ErrSegmentRemoved)
	require.ErrorIs(t, w.Check(), driver.ErrSegmentRemoved)
	require.NoError(t, r.Remove())
	require.True(t, exists(r.path), "an object of somebody else is not removed")
}

// Check is called when a call times out, and no time-out may allocate.
func TestCheckAllocatesNothing(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	for _, c := range []*channel{create(t, b, name), attach(t, b, name)} {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if err := c.Check(); err != nil {
				panic(err)
			}
		}))
	}
}

func TestPathName(t *testing.T) {
	for _, path := range []string{
		"/proc", "/dev/null", "/proc/self", "/nowhere", "/dev/null/x", "",
	} {
		want, _, wantErr := lookup(path)
		got, err := newPathName(path).lookup()
		require.Equal(t, want, got, path)
		require.Equal(t, wantErr, err, path)
	}
	require.False(t, newPathName("a\x00b").leadsTo(objectID{}))
}

func TestCheckSegmentTruncated(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	require.NoError(t, os.Truncate(r.path, 4096))
	err := r.Check()
	require.ErrorIs(t, err, driver.ErrSegmentRemoved)
	require.ErrorContains(t, err, "truncated")
}

// A peer's scan locks, unlocks and unlinks each lock file by its path.
func TestCheckMendsLockFiles(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	for _, p := range paths(b, name)[3:] {
		require.NoError(t, os.Remove(p))
	}
	require.NoError(t, r.Check())
	for _, p := range paths(b, name)[3:] {
		fd, err := open(p)
		require.NoError(t, err)
		require.Equal(t, unix.EWOULDBLOCK, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB), "held again")
		require.NoError(t, unix.Close(fd))
	}
	// Somebody has made another one and holds it: that one is left alone until it is free.
	p := paths(b, name)[3]
	require.NoError(t, os.Remove(p))
	fd, err := unix.Open(p, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	require.NoError(t, err)
	require.NoError(t, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB))
	require.NoError(t, r.Check())
	require.False(t, r.locks.held[0].isOurs())
	require.NoError(t, unix.Close(fd))
	require.NoError(t, r.Check())
	require.True(t, r.locks.held[0].isOurs())
}

func TestCheckMendsSemaphores(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := attach(t, b, name)
	require.NoError(t, w.live.Claim(driver.Writer))
	o, err := layout.View(r.mem)
	require.NoError(t, err)
	o.WriterPID.Store(w.live.PID())
	require.NoError(t, w.DataReady().Post(3))
	for i, s := range r.sems {
		require.NoError(t, os.Remove(s.path), i)
	}
	require.NoError(t, w.Check(), "a name that is gone is no reason to give up the semaphore")
	require.NoError(t, w.DataReady().Post(1))
	require.NoError(t, r.Check())
	tokens, _ := r.DataReady().State()
	require.EqualValues(t, 4, tokens, "tokens move to the new file")
	require.NoError(t, w.DataReady().Post(1)) // the writer has not looked yet
	require.NoError(t, r.Check())
	tokens, _ = r.DataReady().State()
	require.EqualValues(t, 5, tokens, "tokens in the old file are fetched")
	require.NoError(t, w.Check())
	require.NoError(t, w.DataReady().Post(1))
	require.EqualValues(t, 6, r.DataReady().Take(9))
	require.NoError(t, r.SpaceReady().Post(2))
	require.EqualValues(t, 2, w.SpaceReady().Take(9))
}

// A writer of another language never looks again, so its semaphores stay in use.
func TestCheckKeepsSemaphoresOfForeignWriterCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "foreign-writer", name)
	w.Line()
	before := r.sems[0].cur.Load()
	require.NoError(t, os.Remove(r.sems[0].path))
	require.NoError(t, r.Check())
	require.Equal(t, before, r.sems[0].cur.Load())
	o, err := layout.View(r.mem)
	require.NoError(t, err)
	o.WriterPID.Store(0)
	require.NoError(t, r.Check())
	require.NotEqual(t, before, r.sems[0].cur.Load())
	attach(t, b, name)
}

// A reader of another language replaces leaked semaphores after the writer has opened them.
func TestCheckFollowsReplacedSemaphore(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	create(t, b, name)
	w := attach(t, b, name)
	got := make(chan uint32)
	go func() { got <- w.SpaceReady().Wait(1, -1) }()
	waitBlocked(&w.sems[1].semaphore)
	config := drivertest.Config(0)
	m, err := makeSemaphore(w.sems[1].format, w.sems[1].path, &config)
	require.NoError(t, err)
	require.NoError(t, w.Check())
	require.Zero(t, <-got, "the wait on the old one is ended")
	require.NoError(t, m.Post(1))
	require.EqualValues(t, 1, w.SpaceReady().Wait(1, -1))
	require.NoError(t, m.close())
	require.NoError(t, os.Remove(w.sems[1].path))
}

// The moment in which a scan holds a lock is not taken for a reader.
func TestCreateWaitsForScan(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	requireLockDir(t, b.lockDirs[0])
	p := paths(b, name)[3]
	fd, err := unix.Open(p, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	require.NoError(t, err)
	require.NoError(t, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB))
	time.AfterFunc(5*time.Millisecond, func() {
		_ = os.Remove(p)
		_ = unix.Close(fd)
	})
	r := create(t, b, name)
	require.True(t, r.locks.held[0].isOurs())
}

// Whoever holds the lock may unlink the file while we have it open already: a lock on a file
// without a name is none.
func TestLockIsOnTheNamedFileConcurrentSafe(t *testing.T) {
	b := newBackend(t)
	requireLockDir(t, b.lockDirs[0])
	p := paths(b, newName(t, b))[3]
	stop, done := make(chan struct{}), make(chan struct{})
	defer func() { close(stop); <-done; _ = os.Remove(p) }()
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			fd, err := unix.Open(p, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
			if err != nil {
				continue
			}
			var st unix.Stat_t
			_ = unix.Fstat(fd, &st)
			if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
				_ = unlinkOwn(p, idOf(&st))
			}
			_ = unix.Close(fd)
		}
	}()
	config := drivertest.Config(0)
	for range 3000 {
		l, err := tryLock(p, &config)
		if err != nil {
			require.Equal(t, unix.EWOULDBLOCK, err)
			continue
		}
		require.True(t, l.isOurs())
		require.NoError(t, l.remove())
	}
}

func TestCreateWithoutLockFiles(t *testing.T) {
	b := newBackend(t)
	b.lockDirs[0] = "/proc/zerobuffer" // nobody may make it
	b.lockDirs[1] = os.DevNull + "/zerobuffer/locks"
	r := create(t, b, newName(t, b))
	require.Empty(t, r.locks.held)
	require.NoError(t, r.Check())
}

func TestLockDirIsForEveryone(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	b := newBackend(t)
	create(t, b, newName(t, b))
	for _, dir := range b.lockDirs {
		_, st, err := lookup(dir)
		require.NoError(t, err)
		require.EqualValues(t, unix.S_IFDIR|0o1777, st.Mode, dir)
	}
}

func TestNewDirectories(t *testing.T) {
	t.Setenv("TMPDIR", "/var/tmp")
	b := New(nil)
	require.Equal(t, "/dev/shm", b.shmDir)
	require.Equal(t, [2]string{"/tmp/zerobuffer", "/var/tmp/zerobuffer/locks"}, b.lockDirs)
	t.Setenv("TMPDIR", "")
	require.Equal(t, [2]string{"/tmp/zerobuffer", "/tmp/zerobuffer/locks"}, New(nil).lockDirs)
	require.Equal(t, [2]string{"/x/zerobuffer", "/x/zerobuffer/locks"},
		New(&Options{TempDir: "/x"}).lockDirs)
	require.Equal(t, "posix", b.Name())
}
