//go:build linux

package memfdshm

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// entries lists what is in a directory.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestKilledWriterCrossProcess(t *testing.T) {
	dir, name := newDir(t), newName(t)
	r := newReader(t, New(&Options{Dir: dir}), name)
	c := testproc.Start(t, "writer", dir, name, "3")
	require.Equal(t, "wrote 3", c.Line())
	for seq := uint64(1); seq <= 3; seq++ {
		require.NoError(t, readFrame(r, seq))
	}
	done := make(chan error, 1)
	go func() { _, err := r.ReadFrame(background); done <- err }()
	time.Sleep(20 * time.Millisecond) // until it blocks; without that the test is weaker, not wrong
	killed := time.Now()
	c.Kill()
	require.ErrorIs(t, <-done, zerobuffer.ErrWriterDead)
	t.Logf("the death was noticed after %v", time.Since(killed))
	// The next writer may come at once, and goes on where the dead one stopped.
	w, err := zerobuffer.NewWriter(New(&Options{Dir: dir}), name, nil)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.WriteFrame(background, payload(4)))
	require.NoError(t, readFrame(r, 4))
}

func TestWriterAfterKillAtOnceCrossProcess(t *testing.T) {
	dir, name := newDir(t), newName(t)
	newReader(t, New(&Options{Dir: dir}), name)
	for range 20 {
		c := testproc.Start(t, "writer", dir, name, "0")
		require.Equal(t, "wrote 0", c.Line())
		c.Kill()
		w, err := zerobuffer.NewWriter(New(&Options{Dir: dir}), name, nil)
		require.NoError(t, err, "right after the kill")
		require.NoError(t, w.Close())
	}
}

func TestKilledReaderCrossProcess(t *testing.T) {
	dir, name := newDir(t), newName(t)
	c := testproc.Start(t, "reader", dir, name, "1")
	require.Contains(t, c.Line(), "ready")
	b := New(&Options{Dir: dir})
	w, err := zerobuffer.NewWriter(b, name, nil)
	require.NoError(t, err)
	defer w.Close()
	done := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			err = w.WriteFrame(background, payload(w.FramesWritten()+1))
		}
		done <- err
	}()
	eventually(func() bool { return w.Stats().Waits > 0 || w.FramesWritten() >= 60 })
	killed := time.Now()
	c.Kill()
	err = <-done
	t.Logf("the death was noticed after %v", time.Since(killed))
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	require.NotErrorIs(t, err, zerobuffer.ErrReaderClosed)
	require.Equal(t, []string{name}, entries(t, dir), "only the dead socket is left")
	_, err = b.Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotReady)
	require.ErrorContains(t, err, "was killed; start it again")

	r := newReader(t, b, name) // takes the path over
	next, err := zerobuffer.NewWriter(b, name, nil)
	require.NoError(t, err)
	defer next.Close()
	require.NoError(t, next.WriteFrame(background, payload(1)))
	require.NoError(t, readFrame(r, 1))
	require.NoError(t, r.Close())
	require.Empty(t, entries(t, dir))
}

func TestKilledBothCrossProcess(t *testing.T) {
	for _, place := range []string{newDir(t), "@"} {
		name := newName(t)
		r := testproc.Start(t, "reader", place, name, "2")
		require.Contains(t, r.Line(), "ready")
		w := testproc.Start(t, "writer", place, name, "2")
		require.Equal(t, "wrote 2", w.Line())
		r.Step()
		require.Equal(t, "read 2", r.Line())
		w.Step()
		w.Kill()
		r.Kill()
		if place != "@" {
			require.Equal(t, []string{name}, entries(t, place))
			continue
		}
		_, err := backendAt("@").Open(name, driver.Config{})
		require.ErrorIs(t, err, driver.ErrNotFound)
		require.NotErrorIs(t, err, driver.ErrNotReady, "an abstract name leaves nothing behind")
	}
}

// A reader that is stopped is neither dead nor able to answer.
func TestStoppedReaderCrossProcess(t *testing.T) {
	dir, name := newDir(t), newName(t)
	c := testproc.Start(t, "reader", dir, name, "1")
	require.Contains(t, c.Line(), "ready")
	c.Step()
	b := New(&Options{Dir: dir})
	ch := attach(t, b, name)
	require.NoError(t, c.Process.Signal(syscall.SIGSTOP))
	state := func() string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.PID()))
		require.NoError(t, err)
		return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[0]
	}
	eventually(func() bool { return state() == "T" })
	require.True(t, ch.Alive(driver.Reader, c.PID()))
	require.NoError(t, ch.Check())
	require.True(t, ch.Alive(driver.Writer, 1), "nobody is made up to be dead")
	require.ErrorIs(t, ch.Claim(driver.Writer), driver.ErrNotReady)
	_, err := b.Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotReady)
	require.ErrorContains(t, err, "does not answer")
	_, err = b.Create(name, drivertest.Config(1<<16))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, fmt.Sprintf("process %d", c.PID()))

	require.NoError(t, c.Process.Signal(syscall.SIGCONT))
	eventually(func() bool { return ch.Claim(driver.Writer) == nil }) // late answers are left alone
	require.True(t, ch.Ours(driver.Reader))
	require.True(t, ch.Ours(driver.Writer))
}

func TestRaceForANameCrossProcess(t *testing.T) {
	dir, name := newDir(t), newName(t)
	dead := testproc.Start(t, "reader", dir, name, "0")
	require.Contains(t, dead.Line(), "ready")
	dead.Kill()
	for _, place := range []string{dir, "@"} {
		var all []*testproc.Child
		for range 3 {
			c := testproc.Start(t, "storm", place, name, "150")
			require.Equal(t, "started", c.Line())
			all = append(all, c)
		}
		for _, c := range all {
			c.Step()
		}
		for _, c := range all {
			require.Equal(t, "done", c.Line())
		}
	}
	require.Empty(t, entries(t, dir))
}

// Two containers that share a directory and nothing else: other PID, IPC and mount namespaces,
// each with a /dev/shm of its own.
func TestContainersCrossProcess(t *testing.T) {
	needRoot(t)
	dir, name := newDir(t), newName(t)
	begin := func(command, n string) *testproc.Child {
		c := testproc.Prepare(t, "container", command, dir, name, n)
		inContainer(c)
		c.Begin()
		return c
	}
	r := begin("reader", "200")
	require.Equal(t, "ready 1", r.Line(), "it is the first process of its namespace")
	w := begin("writer", "200")
	r.Step()
	require.Equal(t, "wrote 200", w.Line())
	require.Equal(t, "read 200", r.Line())
	r.Step() // it blocks in the next read
	time.Sleep(20 * time.Millisecond)
	killed := time.Now()
	w.Kill()
	require.Contains(t, r.Line(), zerobuffer.ErrWriterDead.Error())
	t.Logf("the death of the writer was noticed after %v", time.Since(killed))
	r.Kill()

	r = begin("reader", "0")
	require.Contains(t, r.Line(), "ready")
	w = begin("writer", "0")
	require.Equal(t, "wrote 0", w.Line())
	w.Step() // it writes until the ring is full
	time.Sleep(50 * time.Millisecond)
	killed = time.Now()
	r.Kill()
	require.Contains(t, w.Line(), "is dead")
	t.Logf("the death of the reader was noticed after %v", time.Since(killed))
}

// Who may connect: the directory, the mode of the socket and Accept stand in the way, in this
// order.
func TestOtherUserCrossProcess(t *testing.T) {
	needRoot(t)
	const nobody = 65534
	asNobody := func(command string, args ...string) *testproc.Child {
		c := testproc.Prepare(t, command, args...)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{
			Uid: nobody, Gid: nobody,
		}}
		c.Begin()
		return c
	}
	open := func(place, name string) string { return asNobody("open", place, name).Line() }
	dir, name := newDir(t), newName(t)
	config := drivertest.Config(1 << 16)
	b := New(&Options{Dir: dir})
	ch, err := b.Create(name, config)
	require.NoError(t, err)
	require.Contains(t, open(dir, name), "permission: ", "mode 0700 of the directory")
	require.NoError(t, os.Chmod(dir, 0o755))
	require.Contains(t, open(dir, name), "permission: ", "mode 0600 of the socket")
	require.NoError(t, ch.Remove())
	require.NoError(t, ch.Close())

	config.Mode = 0o666
	ch, err = b.Create(name, config)
	require.NoError(t, err)
	require.Contains(t, open(dir, name), "permission: ", "the writer does not trust the reader")
	require.NoError(t, os.Chmod(dir, 0o711))
	require.Contains(t, open(dir, name), "permission: ", "the same where it may not list names")
	require.NoError(t, ch.Remove())
	require.NoError(t, ch.Close())

	// A reader of the other user, which this one refuses until it is told to accept it.
	require.NoError(t, os.Chown(dir, nobody, nobody))
	r := asNobody("reader", dir, name, "1")
	require.Contains(t, r.Line(), "ready")
	_, err = b.Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrPermission)
	require.ErrorContains(t, err, "it is user 65534, and only user 0 is accepted")
	var asked Peer
	anybody := func(p Peer) error { asked = p; return nil }
	_, err = New(&Options{Dir: dir, Accept: anybody}).Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrPermission, "the reader does not accept root")
	require.ErrorContains(t, err, "the reader's Accept refuses this user, 0")
	require.Equal(t, Peer{PID: int(r.PID()), UID: nobody, GID: nobody}, asked)
}
