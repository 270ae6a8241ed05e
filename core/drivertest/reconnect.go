package drivertest

import (
	"context"
	"errors"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const reconnectRule = "contract 5, reader restart: "

var reconnectCases = []testCase{
	{
		"reconnect-closed", reconnectRule + "a writer that reconnects leaves nothing of a closed " +
			"buffer in the way of the next one, and goes on there from number 1", reconnectClosed,
	},
	{
		"reconnect-killed", reconnectRule + "so it does when the reader was killed", reconnectKilled,
	},
}

// follower is a writer that reconnects.
func (c *C) follower() *zerobuffer.Writer {
	c.Helper()
	w, err := zerobuffer.NewWriter(c.h.New(c.t), c.name, &zerobuffer.WriterOptions{Reconnect: true})
	c.must(err)
	c.Cleanup(func() { w.Close() })
	return w
}

func reconnectClosed(c *C) {
	r := c.ring(256)
	w := c.follower()
	c.must(w.SetMetadata([]byte("metadata")))
	for range 3 {
		c.write(w, 1, 100)
		c.write(w, 2, 100)
		waits, done := w.Stats().Waits, make(chan error, 1)
		go func() { done <- w.WriteFrame(background, payload(1, 150)) }()
		c.eventually(func() bool { return w.Stats().Waits > waits })
		c.must(r.Close())
		r = c.ringWhenFree(256)
		c.goesOn(w, r, done)
	}
	equal(c, "frames lost", w.Stats().FramesLost, 6)
	c.must(r.Close())
	c.inNoBuffer(w)
}

// inNoBuffer uses a writer whose reader has closed: it must not touch the memory that it has given
// up.
func (c *C) inNoBuffer(w *zerobuffer.Writer) {
	c.Helper()
	for range 2 {
		if _, err := w.TryWriteFrame([]byte{1}); !errors.Is(err, zerobuffer.ErrReaderClosed) {
			c.failf("write without a reader: error is %v, want ErrReaderClosed", err)
		}
		if _, err := w.Reserve(ended(), 1); !errors.Is(err, context.Canceled) {
			c.failf("reserve with a context that has ended: error is %v", err)
		}
	}
	equal(c, "Drained", w.Drained(), true)
	c.must(w.WaitDrained(background))
	c.must(w.SetMetadata([]byte("metadata")))
	equal(c, "ReaderConnected", w.ReaderConnected(), false)
	equal(c, "size of the ring", w.Stats().PayloadSize, 0)
	c.must(w.Close())
}

func reconnectKilled(c *C) {
	other := c.h.Start(c.t, driver.Reader, c.name)
	w := c.follower()
	c.must(w.SetMetadata([]byte("metadata")))
	for range 8 {
		c.write(w, 1, 100)
	}
	done := make(chan error, 1)
	go func() { done <- w.WriteFrame(background, payload(1, 150)) }()
	c.eventually(func() bool { return w.Stats().Waits > 0 })
	other.Kill()
	c.goesOn(w, c.ringWhenFree(1024), done)
	equal(c, "frames lost", w.Stats().FramesLost, 8)
}

// goesOn reads the frame of the call that ended in done, and looks at the rest of the new buffer.
func (c *C) goesOn(w *zerobuffer.Writer, r *zerobuffer.Reader, done chan error) {
	c.Helper()
	c.must(<-done)
	c.read(r, 1, 150).Release()
	got, err := r.Metadata()
	c.must(err)
	equal(c, "metadata", string(got), "metadata")
	for !w.Drained() { // the two frames that follow fill the ring
		time.Sleep(time.Millisecond)
	}
	equal(c, "WriterConnected", r.WriterConnected(), true)
	equal(c, "ReaderConnected", w.ReaderConnected(), true)
}
