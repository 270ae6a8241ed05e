package drivertest

import (
	"errors"
	"io"
	"runtime"
	"testing"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// Other is another program that holds one side of a buffer.
type Other struct {
	// PID is its process, as the OIEB has it.
	PID uint64
	// Kill ends it as SIGKILL does, and returns when it has ended.
	Kill func()
}

// TakeRole makes the buffer as its reader, or connects as its writer and writes one frame. What it
// made is closed at the end of the test, when the program that it stands for is long dead.
func TakeRole(t *testing.T, b driver.Backend, role driver.Role, name string) error {
	closer, err := takeRole(b, role.String(), name)
	if err == nil {
		t.Cleanup(func() { _ = closer.Close() })
	}
	return err
}

func takeRole(b driver.Backend, role, name string) (io.Closer, error) {
	if role == driver.Reader.String() {
		return zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{PayloadSize: 1024})
	}
	w, err := zerobuffer.NewWriter(b, name, nil)
	if err == nil {
		err = w.WriteFrame(background, payload(1, 100))
	}
	return w, err
}

// ChildCommand is the command of a child that does what [TakeRole] does and waits to be killed, for
// [StartChild]. open returns the backend; args are those that StartChild was given.
func ChildCommand(open func(args []string) driver.Backend) testproc.Command {
	return func(args []string) error {
		side, err := takeRole(open(args[2:]), args[0], args[1])
		if err == nil {
			testproc.Say("ready")
		}
		runtime.KeepAlive(side)
		return err
	}
}

// StartChild starts a child whose command is a [ChildCommand], for [Harness.Start].
func StartChild(t *testing.T, command string, role driver.Role, name string, args ...string) Other {
	t.Helper()
	c := testproc.Start(t, command, append([]string{role.String(), name}, args...)...).Ready()
	return Other{PID: c.PID(), Kill: c.Kill}
}

const killRule = "contract 5, liveness: "

var processCases = []testCase{
	{
		"kill-writer", killRule + "a reader gets all frames of a killed writer, then ErrWriterDead, " +
			"and the next writer goes on", killWriter,
	},
	{
		"kill-reader-room", killRule + "a writer with room learns that its reader was killed, and " +
			"does not forget it", killReaderWithRoom,
	},
	{"kill-writer-watched", killRule + "the end of a watched writer is told at once", killWatched},
	{
		"kill-reader", killRule + "the writer of a killed reader gets ErrReaderDead, and the name " +
			"can be used again", killReader,
	},
	{
		"kill-reader-watched", killRule + "the end of a watched reader is told at once",
		killWatchedReader,
	},
}

func killWriter(c *C) {
	r := c.ring(1024)
	other := c.h.Start(c.t, driver.Writer, c.name)
	c.must(r.WaitWriter(background))
	c.refused(zerobuffer.ErrWriterConnected)
	done := make(chan error, 1)
	c.read(r, 1, 100).Release()
	go func() { _, err := r.ReadFrame(background); done <- err }()
	p := c.channel()
	c.eventually(func() bool { _, n := p.data.State(); return n == 1 })
	other.Kill()
	if err := <-done; !errors.Is(err, zerobuffer.ErrWriterDead) {
		c.failf("read after the writer was killed: error is %v, want ErrWriterDead", err)
	}
	w := c.writer()
	c.write(w, 2, 50)
	c.read(r, 2, 50).Release()
}

func killReader(c *C) {
	other := c.h.Start(c.t, driver.Reader, c.name)
	w := c.writer()
	done := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			err = w.WriteFrame(background, payload(1, 100))
		}
		done <- err
	}()
	c.eventually(func() bool { return w.Stats().Waits > 0 || w.FramesWritten() == 8 })
	other.Kill()
	err := <-done
	var gone *zerobuffer.ReaderGoneError
	if !errors.As(err, &gone) || gone.Closed || gone.Unread != 8 {
		c.failf("write after the reader was killed: error is %v, want ErrReaderDead with 8 "+
			"frames unread", err)
	}
	c.must(w.Close()) // some systems keep a name as long as anybody has its memory
	r := c.ringWhenFree(1024)
	c.write(c.writer(), 1, 50)
	c.read(r, 1, 50).Release()
}

func killReaderWithRoom(c *C) {
	other := c.h.Start(c.t, driver.Reader, c.name)
	w := c.writer()
	other.Kill()
	write := func() error { return w.WriteFrame(background, []byte{1}) }
	c.eventually(func() bool { return errors.Is(write(), zerobuffer.ErrReaderDead) })
	for range 3 {
		if err := write(); !errors.Is(err, zerobuffer.ErrReaderDead) {
			c.failf("write after ErrReaderDead: error is %v", err)
		}
	}
	c.must(w.Close())
	c.ringWhenFree(1024)
}

func killWatched(c *C) {
	p := c.bareReader(1024)
	c.watched(p.ch.Liveness(), driver.Writer, c.h.Start(c.t, driver.Writer, c.name))
}

func killWatchedReader(c *C) {
	other := c.h.Start(c.t, driver.Reader, c.name)
	p := c.channel()
	c.watched(p.ch.Liveness(), driver.Reader, other)
	c.must(errors.Join(p.ch.Remove(), p.ch.Close()))
	c.ringWhenFree(1024) // takes the leftovers away with it
}

// watched kills the other side under a watch of it.
func (c *C) watched(live driver.Liveness, role driver.Role, other Other) {
	c.Helper()
	died := make(chan bool, 2)
	stop := live.Watch(other.PID, func() { died <- true })
	defer stop()
	ended := live.Watch(other.PID, func() { c.Errorf("a watch that was stopped has called") })
	ended()
	if live.Watch(0, func() {}) != nil {
		c.Errorf("nobody is watched")
	}
	equal(c, "Alive before the kill", live.Alive(role, other.PID), true)
	equal(c, "Ours before the kill", live.Ours(role), true)
	other.Kill()
	c.eventually(func() bool { return len(died) > 0 })
	c.eventually(func() bool { return !live.Alive(role, other.PID) })
	equal(c, "Ours after the kill", live.Ours(role), false)
	equal(c, "calls of died", len(died), 1)
}
