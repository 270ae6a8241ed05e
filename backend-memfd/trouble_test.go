//go:build linux

package memfdshm

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(list)
}

// slowReader is a reader at the other end of a socket that takes its time for some messages.
func slowReader(t *testing.T, end *os.File, delay func(m message) time.Duration) {
	t.Helper()
	fd, seg, err := makeSegment("slow", 1<<16, false)
	require.NoError(t, err)
	require.NoError(t, drivertest.Config(1<<16).Format(seg.mem, uint64(os.Getpid())))
	l, err := newLink(end)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, _, err := l.receive(false)
			if err != nil {
				return
			}
			time.Sleep(delay(m))
			if m.kind == kindHello {
				_ = l.send(message{
					kind: kindWelcome, a: uint64(len(seg.mem)), b: seg.words, c: uint64(os.Getpid()),
				}, fd)
				continue
			}
			_ = l.send(message{kind: kindAnswer, id: m.id, a: 1}, -1)
		}
	}()
	t.Cleanup(func() {
		l.close()
		<-done
		require.NoError(t, errors.Join(unix.Close(fd), seg.unmap()))
	})
}

// slowOnce is the delay of the first message of a kind that is too long for who asks.
func slowOnce(what kind) func(message) time.Duration {
	var asked atomic.Bool
	return func(m message) time.Duration {
		if m.kind == what && !asked.Swap(true) {
			return answerTime + 100*time.Millisecond
		}
		return 0
	}
}

// In another container somebody else may have the number of the writer that was killed.
func TestOnlookerWithPIDOfDeadWriterCrossProcess(t *testing.T) {
	needRoot(t)
	dir, name := newDir(t), newName(t)
	r := newReader(t, New(&Options{Dir: dir}), name)
	begin := func(args ...string) *testproc.Child {
		c := testproc.Prepare(t, "container", args...)
		inContainer(c)
		c.Begin()
		return c
	}
	w := begin("writer", dir, name, "1")
	require.Equal(t, "wrote 1", w.Line())
	require.Empty(t, strings.TrimPrefix(begin("open", dir, name).Line(), "<nil>"))
	require.NoError(t, readFrame(r, 1))
	w.Kill()
	_, err := r.ReadFrame(background)
	require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	require.Equal(t, "wrote 1", begin("writer", dir, name, "1").Line())
}

func TestLateAnswerIsNotTakenForTheNext(t *testing.T) {
	a, b, err := Pair()
	require.NoError(t, err)
	slowReader(t, b, slowOnce(kindAlive))
	g := attach(t, Join(a), "b")
	for range 4 {
		g.Alive(driver.Writer, 1)
		time.Sleep(150 * time.Millisecond) // until the late answer is there
		yes, err := g.reader.query(message{kind: kindOurs})
		require.NoError(t, err)
		require.True(t, yes)
	}
}

func TestSlowAnswers(t *testing.T) {
	for what, k := range map[string]kind{"claim": kindClaim, "ours": kindOurs} {
		t.Run(what, func(t *testing.T) {
			a, b, err := Pair()
			require.NoError(t, err)
			slowReader(t, b, slowOnce(k))
			backend := Join(a)
			w, err := zerobuffer.OpenWriter(background, backend, "b", nil)
			require.NoError(t, err, "a writer that did not get through comes again")
			require.NoError(t, w.Close())
			_, err = backend.Open("b", driver.Config{})
			require.ErrorIs(t, err, os.ErrClosed)
		})
	}
	a, b, err := Pair()
	require.NoError(t, err)
	slowReader(t, b, slowOnce(kindOurs))
	require.True(t, attach(t, Join(a), "b").Ours(driver.Reader), "nobody else speaks this")
}

func TestJoinedReaderWhoseWriterNeverCame(t *testing.T) {
	a, b, err := Pair()
	require.NoError(t, err)
	r := newReader(t, Join(a), "b")
	require.NoError(t, b.Close()) // the child was killed before it opened
	_, err = r.ReadFrame(background)
	require.ErrorIs(t, err, zerobuffer.ErrSegmentRemoved)
	require.ErrorContains(t, err, "nobody can come")
}

func TestJoinUnconnectedSocket(t *testing.T) {
	fd, err := newSocket()
	require.NoError(t, err)
	_, err = Join(os.NewFile(uintptr(fd), "unconnected")).Create("b", drivertest.Config(1<<12))
	require.ErrorIs(t, err, unix.ENOTCONN)
}

func TestDescriptorsOfWelcome(t *testing.T) {
	fd, err := newMemfd("two", false)
	require.NoError(t, err)
	defer func() { _ = unix.Close(fd) }()
	before := openFiles(t)
	for range 10 {
		a, b, err := Pair()
		require.NoError(t, err)
		l, err := newLink(b)
		require.NoError(t, err)
		_, _, err = l.conn.WriteMsgUnix(message{kind: kindWelcome, a: 4096, b: 4096, c: 1}.encode(),
			unix.UnixRights(fd, fd), nil)
		require.NoError(t, err)
		_, err = Join(a).Open("b", driver.Config{})
		require.Error(t, err)
		l.close()
	}
	require.Equal(t, before, openFiles(t))
}

func TestDirectoryOfSocketIsRemoved(t *testing.T) {
	dir := filepath.Join(newDir(t), "d")
	b := New(&Options{Dir: dir})
	c := create(t, b, "b")
	require.NoError(t, os.RemoveAll(filepath.Dir(dir)))
	require.NoError(t, c.Check(), "it cannot be made again, which is no error of the buffer")
	require.NoError(t, os.Mkdir(filepath.Dir(dir), 0o700))
	require.NoError(t, c.Check())
	attach(t, b, "b")
}

// Another program holds the lock of the directory.
func TestLockOfDirectoryIsHeld(t *testing.T) {
	dir := newDir(t)
	b := New(&Options{Dir: dir})
	c := create(t, b, "b")
	fd, err := openDir(dir, unix.O_RDONLY)
	require.NoError(t, err)
	defer func() { _ = unix.Close(fd) }()
	require.NoError(t, unix.Flock(fd, unix.LOCK_SH))
	_, err = b.Create("other", drivertest.Config(1<<12))
	require.ErrorContains(t, err, "holds the lock on this directory")
	require.NoError(t, os.Remove(filepath.Join(dir, "b")))
	require.NoError(t, c.Check(), "a look waits for nobody")
	require.Empty(t, entries(t, dir))
	require.NoError(t, unix.Flock(fd, unix.LOCK_UN))
	require.NoError(t, c.Check())
	require.NoError(t, unix.Flock(fd, unix.LOCK_SH))
	require.NoError(t, c.Remove(), "nor does an end")
	require.Empty(t, entries(t, dir))
}

// An Accept that does not return holds nobody up but those whom it is asked about.
func TestAcceptThatBlocks(t *testing.T) {
	dir := newDir(t)
	hold := make(chan struct{})
	b := New(&Options{Dir: dir, Accept: func(Peer) error { <-hold; return nil }})
	c := create(t, b, "b")
	var conns []net.Conn
	for range 3 * maxServed { // as many as the queue takes
		conn, err := net.DialUnix("unixpacket", nil,
			&net.UnixAddr{Name: filepath.Join(dir, "b"), Net: "unixpacket"})
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		conns = append(conns, conn)
	}
	require.Greater(t, len(conns), maxServed)
	eventually(c.server.busy)
	time.Sleep(5 * acceptPause)
	c.server.mu.Lock()
	served := c.server.served
	c.server.mu.Unlock()
	require.LessOrEqual(t, served, maxServed)
	close(hold)
	for _, conn := range conns {
		conn.Close()
	}
	attach(t, b, "b")
}

// asking is a log handler that asks the reader's side, as a monitor does.
type asking struct {
	slog.Handler
	ask func(message string)
}

func (a *asking) Handle(_ context.Context, r slog.Record) error { a.ask(r.Message); return nil }
func (a *asking) WithAttrs([]slog.Attr) slog.Handler            { return a }

func TestLogHandlerMayAsk(t *testing.T) {
	dir := newDir(t)
	var made atomic.Pointer[owner]
	var lines atomic.Int32
	config := drivertest.Config(1 << 16)
	config.Logger = slog.New(&asking{
		Handler: slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}),
		ask: func(string) {
			if c := made.Load(); c != nil {
				c.Alive(driver.Writer, 1)
				lines.Add(1)
			}
		},
	})
	ch, err := New(&Options{Dir: dir}).Create("b", config)
	require.NoError(t, err)
	defer func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) }()
	made.Store(ch.(*owner))
	for range maxIdle + 6 {
		conn := stranger(t, filepath.Join(dir, "b"))
		defer conn.Close() //nolint:gocritic // all of them stay open
	}
	eventually(func() bool { return lines.Load() > 0 })
}

// Out of descriptors, on either side.
func TestOutOfDescriptors(t *testing.T) {
	dir := newDir(t)
	var warned atomic.Int32
	config := drivertest.Config(1 << 16)
	config.Logger = slog.New(&asking{
		Handler: slog.NewTextHandler(os.Stderr, nil),
		ask:     func(string) { warned.Add(1) },
	})
	b := New(&Options{Dir: dir})
	ch, err := b.Create("b", config)
	require.NoError(t, err)
	defer func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) }()
	fd, err := newSocket()
	require.NoError(t, err)
	defer func() { _ = unix.Close(fd) }()
	end, err := b.Invite("b")
	require.NoError(t, err)
	j := Join(end)
	require.NoError(t, j.state.joined.connect()) // it needs a descriptor, too
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}))
	_, err = j.Open("b", driver.Config{})
	_ = unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(dir, "b")})
	time.Sleep(20 * acceptPause)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	require.ErrorIs(t, err, unix.EMFILE)
	require.ErrorContains(t, err, "ulimit -n")
	require.EqualValues(t, 1, warned.Load(), "warnings of one shortage")
	attach(t, b, "b")
}

func TestCloseWithStoppedReaderCrossProcess(t *testing.T) {
	dir, name := newDir(t), newName(t)
	c := testproc.Start(t, "reader", dir, name, "1")
	require.Contains(t, c.Line(), "ready")
	w, err := zerobuffer.NewWriter(New(&Options{Dir: dir}), name, nil)
	require.NoError(t, err)
	require.NoError(t, c.Process.Signal(syscall.SIGSTOP))
	start := time.Now()
	require.NoError(t, w.Close())
	t.Logf("Close of the writer of a stopped reader took %v", time.Since(start))
}
