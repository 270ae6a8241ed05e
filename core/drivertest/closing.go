package drivertest

import (
	"errors"
	"io/fs"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

const closeRule = "contract 5, close: "

var closeCases = []testCase{
	{
		"close-reader", closeRule + "reader_pid is 0, the writer is woken by a real token",
		closeReader,
	},
	{"close-reader-held", "frames that are held outlive Close", closeReaderHeld},
	{"close-writer", "the reader gets all frames of a closed writer, then " +
		"ErrWriterClosed", closeWriter},
	{
		"close-writer-blocked-reader", closeRule + "our reader learns at once that the writer closed",
		closeWriterBlocked,
	},
	{"close-writer-foreign-blocked", closeRule + "a foreign reader that is blocked with nothing " +
		"unread gets one surplus token, writer_pid 0 and equal counts", closeForeignBlocked},
	{"close-writer-foreign-busy", closeRule + "a foreign reader that is not blocked gets no surplus " +
		"token", closeForeignBusy},
	{
		"attach-surplus", closeRule + "an attaching writer takes away tokens beyond the unread frames",
		attachSurplus,
	},
	{"close-unseen", "a writer that came and went unseen counts as closed", closeUnseen},
	{"close-name-free", "after Close the name is free", closeNameFree},
	{
		"close-old-writer", "after Close of the reader the name is free, although the old writer is " +
			"still open and rests in no call", closeOldWriter,
	},
}

func closeReader(c *C) {
	r := c.ring(256)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 200)
	done := make(chan error, 1)
	go func() { done <- w.WriteFrame(background, payload(2, 200)) }()
	c.eventually(func() bool { _, n := p.space.State(); return n == 1 })
	c.must(r.Close())
	err := <-done
	var gone *zerobuffer.ReaderGoneError
	if !errors.As(err, &gone) || !errors.Is(err, zerobuffer.ErrReaderClosed) || gone.Unread != 1 {
		c.failf("write for a closed reader: error is %v, want ErrReaderClosed", err)
	}
	equal(c, "reader_pid", p.o.ReaderPID.Load(), 0)
	if err := w.WriteFrame(background, []byte{1}); !errors.Is(err, zerobuffer.ErrReaderDead) {
		c.failf("second write for a closed reader: error is %v", err)
	}
}

func closeReaderHeld(c *C) {
	r := c.ring(1024)
	w := c.writer()
	c.write(w, 1, 100)
	c.write(w, 2, 100)
	a, b := c.read(r, 1, 100), c.read(r, 2, 100)
	c.must(r.Close())
	c.same(a.Bytes(), 1, 100)
	a.Release()
	c.same(b.Bytes(), 2, 100)
	b.Release()
	equal(c, "Valid after the release", b.Valid(), false)
}

func closeWriter(c *C) {
	r := c.ring(1024)
	w := c.writer()
	for seq := uint64(1); seq <= 3; seq++ {
		c.write(w, seq, 50)
	}
	c.must(w.Close())
	for seq := uint64(1); seq <= 3; seq++ {
		c.read(r, seq, 50).Release()
	}
	for range 2 {
		if _, err := r.ReadFrame(background); !errors.Is(err, zerobuffer.ErrWriterClosed) {
			c.failf("read after Close of the writer: error is %v, want ErrWriterClosed", err)
		}
	}
	next := c.writer()
	c.must(r.WaitWriter(background))
	c.write(next, 4, 60)
	c.read(r, 4, 60).Release()
}

func closeWriterBlocked(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	done := make(chan error, 1)
	go func() { _, err := r.ReadFrame(background); done <- err }()
	c.eventually(func() bool { _, n := p.data.State(); return n == 1 })
	start := time.Now()
	c.must(w.Close())
	if err := <-done; !errors.Is(err, zerobuffer.ErrWriterClosed) {
		c.failf("read while the writer closed: error is %v", err)
	}
	c.Logf("the reader learnt it after %v", time.Since(start))
}

func closeForeignBlocked(c *C) {
	p := c.foreignReader(1024)
	w := c.writer()
	c.write(w, 1, 50)
	p.readAll(1, func(uint64) int { return 50 })
	p.o.ReadCount.Add(3) // counts drift between peers
	got := c.waiting(p.data, c.channel().data, 1)
	c.must(w.Close())
	equal(c, "tokens for the blocked reader", <-got, 1)
	equal(c, "writer_pid", p.o.WriterPID.Load(), 0)
	if p.o.WrittenCount.Load() > p.o.ReadCount.Load() {
		c.failf("written_count is above read_count: the reader takes old bytes for a frame")
	}
	equal(c, "tokens of sem-w", tokens(p.data), 0)
}

func closeForeignBusy(c *C) {
	p := c.foreignReader(1024)
	w := c.writer()
	c.write(w, 1, 50)
	c.must(w.Close())
	equal(c, "tokens of sem-w", tokens(p.data), 1)
	equal(c, "writer_pid", p.o.WriterPID.Load(), 0)
	p.readAll(1, func(uint64) int { return 50 })
}

func attachSurplus(c *C) {
	p := c.foreignReader(1024)
	size := func(uint64) int { return 50 }
	w := c.writer()
	c.write(w, 1, 50)
	c.write(w, 2, 50)
	c.must(w.Close())
	p.readAll(1, size)
	c.must(p.data.Post(2))
	c.writer()
	equal(c, "tokens of sem-w", tokens(p.data), 1)
	p.readAll(2, size)
}

func closeUnseen(c *C) {
	r := c.ring(1024)
	w := c.writer()
	c.must(w.SetMetadata([]byte("x")))
	c.must(w.Close())
	if _, err := r.ReadFrame(background); !errors.Is(err, zerobuffer.ErrWriterClosed) {
		c.failf("read after an unseen writer: error is %v, want ErrWriterClosed", err)
	}
}

func closeNameFree(c *C) {
	for range 3 {
		r := c.ring(1024)
		w := c.writer()
		c.write(w, 1, 10)
		c.must(r.Close())
		c.must(r.Close())
		c.must(w.Close())
	}
}

func closeOldWriter(c *C) {
	r := c.ring(1024)
	old := c.writer()
	for range 3 {
		c.must(r.Close())
		r = c.ringWhenFree(1024)
	}
	if err := old.WriteFrame(background, []byte{1}); !errors.Is(err, zerobuffer.ErrReaderClosed) {
		c.failf("write of the old writer: error is %v, want ErrReaderClosed", err)
	}
	w := c.writer()
	c.write(w, 1, 100)
	c.read(r, 1, 100).Release()
}

// ringWhenFree creates the buffer of the case as soon as its name is free: another process or
// goroutine has to let go of it first, which may take longer on a busy machine than a backend
// waits. The limit is for one that never does.
func (c *C) ringWhenFree(size int64) *zerobuffer.Reader {
	c.Helper()
	for start := time.Now(); ; {
		r, err := zerobuffer.NewReader(c.h.New(c.t), c.name,
			&zerobuffer.ReaderOptions{PayloadSize: size})
		if errors.Is(err, fs.ErrExist) && time.Since(start) < 20*time.Second {
			time.Sleep(time.Millisecond)
			continue
		}
		c.must(err)
		c.Cleanup(func() { r.Close() })
		return r
	}
}
