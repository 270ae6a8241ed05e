//go:build linux

package posixshm

import (
	"math"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

func TestClaimIsExclusiveAndEndsWithRemove(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w1, w2 := attach(t, b, name), attach(t, b, name)
	require.True(t, w1.live.Ours(driver.Reader))
	require.False(t, r.live.Ours(driver.Writer))
	require.ErrorIs(t, w1.live.Claim(driver.Reader), driver.ErrReaderConnected)
	require.NoError(t, w1.live.Claim(driver.Writer))
	require.NoError(t, w1.live.Claim(driver.Writer), "a second claim of the holder does nothing")
	require.ErrorIs(t, w2.live.Claim(driver.Writer), driver.ErrWriterConnected)
	require.True(t, r.live.Ours(driver.Writer))
	require.True(t, r.live.Alive(driver.Writer, 7))
	require.NoError(t, w1.Remove())
	require.False(t, r.live.Ours(driver.Writer))
	require.False(t, r.live.Alive(driver.Writer, 7), "who has given up its claim is gone")
	require.NoError(t, w2.live.Claim(driver.Writer))
	require.NoError(t, r.Remove())
	require.False(t, w2.live.Ours(driver.Reader))
	require.False(t, w2.live.Alive(driver.Reader, uint64(os.Getppid())) &&
		w2.live.Ours(driver.Reader))
}

func TestDisclaim(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := attach(t, b, name)
	r.live.Disclaim(driver.Reader)
	require.False(t, w.live.Ours(driver.Reader))
	require.NoError(t, w.live.Claim(driver.Reader))
	w.live.Disclaim(driver.Reader)
	w.live.Disclaim(driver.Reader)
	require.NoError(t, r.live.Claim(driver.Reader))
}

func TestAliveOfOursCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "writer", name)
	w.Line()
	require.True(t, r.live.Ours(driver.Writer))
	require.True(t, r.live.Alive(driver.Writer, w.PID()))
	w.Kill()
	require.False(t, r.live.Ours(driver.Writer))
	require.False(t, r.live.Alive(driver.Writer, w.PID()))
	// A claim beats the PID: also one that belongs to some other process.
	w = start(t, b, nil, "writer", name)
	w.Line()
	require.True(t, r.live.Alive(driver.Writer, 4194304-1))
	// ... and its loss beats a PID that lives, as 1 does in every container.
	require.True(t, r.live.Alive(driver.Writer, 1))
	w.Kill()
	require.False(t, r.live.Alive(driver.Writer, 1))
}

func TestAliveOfForeignWriterCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "foreign-writer", name)
	w.Line()
	require.False(t, r.live.Ours(driver.Writer))
	require.True(t, r.live.Alive(driver.Writer, w.PID()))
	require.Zero(t, testing.AllocsPerRun(100, func() { r.live.Alive(driver.Writer, w.PID()) }))
	require.NoError(t, w.Process.Kill())
	waitZombie(t, w.PID())
	waitDead(r, w.PID())
	w.Kill()
	require.False(t, r.live.Alive(driver.Writer, w.PID()))
	require.False(t, r.live.Alive(driver.Writer, 0))
}

// A writer of ours that tries to connect beside a foreign one has the claim for no moment: its end
// would be taken for the death of the one that is there.
func TestAttachBesideForeignWriterCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "foreign-writer", name)
	w.Line()
	ended := make(chan error)
	go func() {
		_, err := zerobuffer.NewWriter(b, name, nil)
		ended <- err
	}()
	for err := error(nil); err == nil; {
		require.True(t, r.live.Alive(driver.Writer, w.PID()))
		select {
		case err = <-ended:
			require.ErrorIs(t, err, driver.ErrWriterConnected)
		default:
		}
	}
	require.True(t, r.live.Alive(driver.Writer, w.PID()))
}

// waitDead returns when a zombie counts as dead, which is when its last thread has ended.
func waitDead(r *channel, pid uint64) {
	for r.live.Alive(driver.Writer, pid) {
		time.Sleep(time.Millisecond)
	}
}

func waitZombie(t *testing.T, pid uint64) {
	for {
		state, _, ok := processStat(pid)
		require.True(t, ok)
		if isZombie(state) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// Without a pidfd, on old kernels, the state and the start time have to do.
func TestAliveWithoutPidfdCrossProcess(t *testing.T) {
	b := newBackend(t)
	p := start(t, b, nil, "sleep")
	p.Line()
	_, began, ok := processStat(p.PID())
	require.True(t, ok)
	s := sight{pid: p.PID(), pidfd: -1, kind: process, start: began}
	require.True(t, s.running())
	require.False(t, (&sight{pid: p.PID(), pidfd: -1, kind: process, start: began - 1}).running(),
		"another start time is another process")
	require.NoError(t, p.Process.Kill())
	waitZombie(t, p.PID())
	require.False(t, s.running())
	p.Kill()
	require.False(t, s.running())
}

func TestAliveZombieAtFirstSightCrossProcess(t *testing.T) {
	b := newBackend(t)
	r := create(t, b, newName(t, b))
	p := start(t, b, nil, "zombie")
	pid, err := strconv.ParseUint(p.Line(), 10, 64)
	require.NoError(t, err)
	require.True(t, visible(pid))
	require.False(t, alivePID(pid))
	waitDead(r, pid)
	mapped, ok := maps(strconv.FormatUint(pid, 10), r.id)
	require.False(t, mapped)
	require.True(t, ok, "it has no memory, as a thread of the kernel has none")
}

// A process that is younger than the segment is not the reader that made it, but may be a writer.
func TestAliveYoungerProcessCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := attach(t, b, name)
	young := start(t, b, nil, "sleep")
	young.Line()
	require.NoError(t, r.Remove())
	require.False(t, w.live.Alive(driver.Reader, young.PID()))
	require.True(t, r.live.Alive(driver.Writer, young.PID()))
}

func TestYoungerThan(t *testing.T) {
	var wall, boot unix.Timespec
	require.NoError(t, unix.ClockGettime(unix.CLOCK_REALTIME, &wall))
	require.NoError(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot))
	now, up := time.Duration(wall.Nano()), time.Duration(boot.Nano())
	const noSuchPID = math.MaxUint32 // its mappings cannot be read
	require.True(t, youngerThan(noSuchPID, up, now-time.Minute, objectID{}))
	require.False(t, youngerThan(noSuchPID, up-time.Minute, now, objectID{}))
	require.False(t, youngerThan(noSuchPID, up, now+time.Millisecond, objectID{}))

	b := newBackend(t)
	c := create(t, b, newName(t, b))
	self := uint64(os.Getpid())
	require.False(t, youngerThan(self, up, now-time.Hour, c.id),
		"who has mapped the segment is the peer, whatever the clock was set to")
	require.Less(t, sinceBirth(up, birthOf(c.fd)).Abs(), time.Hour)
}

// A peer of another language in another PID namespace claims nothing, and its number means
// nothing here: a lease tells whether somebody has the segment open.
func TestAliveInvisiblePIDCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	const invisible = math.MaxInt32 - 1 // larger than any PID
	require.False(t, r.live.Alive(driver.Writer, invisible))
	w := start(t, b, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "foreign-writer", name)
	require.Equal(t, "ready 1", w.Line())
	require.True(t, r.live.Alive(driver.Writer, invisible))
	require.True(t, r.live.Alive(driver.Writer, uint64(os.Getpid())),
		"our own number is another process if nobody here has the claim")
	w.Kill()
	require.False(t, r.live.Alive(driver.Writer, invisible))
	require.False(t, r.live.Alive(driver.Writer, uint64(os.Getpid())))
	require.False(t, r.live.Alive(driver.Writer, math.MaxUint64))
}

// In another PID namespace the peer's number is that of a process that has nothing to do with it.
func TestAliveStrangerWithThePIDCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	s := start(t, b, nil, "sleep")
	s.Line()
	w := start(t, b, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "foreign-writer", name)
	require.Equal(t, "ready 1", w.Line())
	require.True(t, r.live.Alive(driver.Writer, s.PID()))
	require.Equal(t, stranger, r.live.sights[driver.Writer].kind)
	w.Kill()
	require.False(t, r.live.Alive(driver.Writer, s.PID()), "the stranger lives, the peer does not")
	o := attach(t, b, name)
	require.True(t, o.live.Alive(driver.Writer, s.PID()), "a second side can only go by the PID")
	s.Kill()
	require.False(t, o.live.Alive(driver.Writer, s.PID()))
}

func TestAliveContainerOfOursCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "writer", name)
	require.Equal(t, "ready 1", w.Line())
	require.True(t, r.live.Ours(driver.Writer))
	require.True(t, r.live.Alive(driver.Writer, 1))
	w.Kill()
	require.False(t, r.live.Alive(driver.Writer, 1), "PID 1 lives here, but it is not the writer")
}

// The segment's only writer judges an invisible reader the same way.
func TestAliveInvisibleReaderCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "foreign-reader", name)
	require.Equal(t, "filled", r.Line())
	r.Step()
	require.Equal(t, "ready 1", r.Line())
	for _, p := range []string{semWritePrefix, semReadPrefix} {
		config := drivertest.Config(0)
		m, err := makeSemaphore(semFormats[Glibc], b.semPath(p, name), &config)
		require.NoError(t, err)
		require.NoError(t, m.close())
	}
	w := attach(t, b, name)
	require.True(t, w.live.Alive(driver.Reader, math.MaxInt32-1))
	r.Kill()
	require.False(t, w.live.Alive(driver.Reader, math.MaxInt32-1))
}

// A process that may not be signalled is alive, and its death is seen all the same. Another one of
// that user that has its number is not the peer, although nobody can look into it.
func TestAliveOfOtherUserCrossProcess(t *testing.T) {
	needRoot(t)
	b := newBackend(t)
	name := newName(t, b)
	look := start(t, b, user(2), "alive", name)
	require.Equal(t, "made", look.Line())
	p := start(t, b, user(1), "foreign-writer", name)
	p.Line()
	look.Step()
	require.Equal(t, "operation not permitted: true", look.Line())
	p.Kill()
	look.Step()
	require.Equal(t, "no such process: false", look.Line())

	stranger := start(t, b, user(1), "sleep")
	stranger.Line()
	mem, err := mapFile(b.segmentPath(name), os.O_RDWR)
	require.NoError(t, err)
	o, err := layout.View(mem)
	require.NoError(t, err)
	o.WriterPID.Store(stranger.PID())
	require.NoError(t, unix.Munmap(mem))
	look.Step()
	require.Equal(t, "operation not permitted: false", look.Line())
	look.Step()
	require.Equal(t, "done", look.Line())
}

// user are the attributes of a process of another user.
func user(id uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
}

// The writer of another user can ask for no lease: the process is all it has.
func TestAliveReaderOfOtherUserCrossProcess(t *testing.T) {
	needRoot(t)
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, user(1), "foreign-reader", name)
	require.Equal(t, "filled", r.Line())
	require.NoError(t, os.Chmod(b.segmentPath(name), 0o666))
	r.Step()
	require.Contains(t, r.Line(), "ready")
	config := drivertest.Config(0)
	config.Mode = 0o666
	for _, p := range []string{semWritePrefix, semReadPrefix} {
		m, err := makeSemaphore(semFormats[Glibc], b.semPath(p, name), &config)
		require.NoError(t, err)
		require.NoError(t, m.close())
		require.NoError(t, os.Chown(b.semPath(p, name), 1, 1))
	}
	look := start(t, b, user(2), "alive-reader", name, strconv.FormatUint(r.PID(), 10))
	require.Equal(t, "operation not permitted: true", look.Line())
	r.Kill()
	look.Step()
	require.Equal(t, "no such process: false", look.Line())
}

// The owner's signal for a broken lease must not end the process or reach its handlers.
func TestLeaseSignalIsHarmless(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	c := create(t, b, name)
	require.Equal(t, leaseGranted, takeLease(c.fd))
	opened := make(chan *channel)
	go func() {
		ch, err := b.Open(name, driver.Config{})
		if err != nil {
			panic(err)
		}
		opened <- ch.(*channel)
	}()
	select {
	case <-opened:
		t.Fatal("the opener does not wait for the lease")
	case <-time.After(50 * time.Millisecond):
	}
	dropLease(c.fd)
	o := <-opened
	require.Equal(t, leaseRefused, askLease(c.fd))
	require.NoError(t, o.Close())
	require.Equal(t, leaseGranted, askLease(c.fd))
}

func TestSeenPeerWithMappingIsANewOne(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := create(t, b, name)
	w := start(t, b, nil, "foreign-writer", name)
	w.Line()
	require.True(t, r.live.Alive(driver.Writer, w.PID()))
	o, err := layout.View(r.mem)
	require.NoError(t, err)
	require.Equal(t, w.PID(), o.WriterPID.Load())
	w.Kill()
	require.False(t, r.live.Alive(driver.Writer, w.PID()))
	require.Equal(t, process, r.live.sights[driver.Writer].kind, "the dead one is remembered")
}

func TestParseStat(t *testing.T) {
	text := "12 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n"
	state, began, ok := parseStat([]byte(text))
	require.True(t, ok)
	require.EqualValues(t, 'S', state)
	require.Equal(t, 47110*time.Millisecond, began)
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", "1 (x) SS 1"} {
		_, _, ok = parseStat([]byte(bad))
		require.False(t, ok, bad)
	}
}
