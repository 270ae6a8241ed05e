package drivertest

import (
	"context"
	"errors"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const readRule = "contract 4a, reading: "

var readingCases = []testCase{
	{"read-foreign", "contract 4: frames of a foreign writer, over many laps", readForeign},
	{"read-short-tail", "contract 5: a tail of 1 to 15 bytes is an implicit wrap", readShortTail},
	{"read-brim", readRule + "equal positions are a full ring if nothing is free or held", readBrim},
	{"read-surplus-token", readRule + "a token without an unread frame does no harm", readSurplus},
	{"read-needs-token", readRule + "while the writer lives, a frame needs a token", readNeedsToken},
	{
		"read-unfinished", readRule + "an unfinished frame of a writer of ours does not count yet",
		readUnfinished,
	},
	{
		"read-empty-frame", "contract 4: an empty frame of a C# writer takes 16 bytes and a token",
		readEmptyFrame,
	},
	{
		"read-restart-sequence", "contract 5: sequence number 1 is a writer that started again",
		readRestartSequence,
	},
	{
		"read-wrong-sequence", "contract 4: any other gap is a SequenceError and changes nothing",
		readWrongSequence,
	},
	{"read-wrong-size", "contract 4: a size that leaves the written bytes or the ring is " +
		"ErrCorrupt, and nothing changes", readWrongSize},
	{"read-wrong-position", "a position outside the ring is ErrCorrupt", readWrongPosition},
	{
		"read-cancel", "a context ends a blocked read; one that has ended consumes nothing",
		readCancel,
	},
	{"read-close", "Close ends a blocked read with ErrClosed", readClose},
}

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(background)
	cancel()
	return ctx
}

func readForeign(c *C) {
	r := c.ring(1024)
	p := c.channel().connect()
	for seq := uint64(1); seq <= 500; seq++ {
		n := 1 + int(seq*37%300)
		for p.o.PayloadFree.Load() < 700 {
			c.failf("space was not given back: %d free", p.o.PayloadFree.Load())
		}
		if tail := p.size - p.o.WritePos.Load() - uint64(n+16); tail > 0 && tail < 16 {
			n += int(tail) // this case leaves no short tails
		}
		p.write(n)
		c.read(r, seq, n).Release()
	}
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024)
}

func readShortTail(c *C) {
	for tail := 1; tail <= 15; tail++ {
		c.name = uniqueName("short")
		r := c.ring(256)
		p := c.channel().connect()
		// Old bytes in the tail must not be taken for a header.
		for i := range p.ring {
			p.ring[i] = 0xff
		}
		sizes := []int{100, 256 - tail - 116 - 16, 50, 60}
		for i, n := range sizes {
			p.write(n)
			c.read(r, uint64(i+1), n).Release()
		}
		equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256)
		r.Close()
	}
}

func readBrim(c *C) {
	r := c.ring(256)
	p := c.channel().connect()
	for range 4 {
		p.write(48)
	}
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 0)
	for seq := range uint64(4) {
		c.read(r, seq+1, 48).Release()
	}
	if _, ok, err := r.TryReadFrame(); ok || err != nil {
		c.failf("an empty ring has a frame (%v)", err)
	}
}

func readSurplus(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 10)
	c.must(p.data.Post(5))
	c.read(r, 1, 10).Release()
	for range 3 {
		if _, ok, err := r.TryReadFrame(); ok || err != nil {
			c.failf("a surplus token gave a frame (%v)", err)
		}
	}
	c.write(w, 2, 20)
	c.must(p.data.Post(1))
	c.read(r, 2, 20).Release()
}

func readNeedsToken(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 10)
	c.write(w, 2, 10)
	c.read(r, 1, 10).Release()
	// The reader may hold the second token already, so the next frame is the one to look at.
	c.read(r, 2, 10).Release()
	c.write(w, 3, 10)
	equal(c, "tokens taken away", p.data.Take(1), 1)
	if _, ok, err := r.TryReadFrame(); ok || err != nil {
		c.failf("a frame without a token was read (%v)", err)
	}
	c.must(p.data.Post(1))
	c.read(r, 3, 10).Release()
}

func readUnfinished(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 10)
	layout.WriteSeq(p.ring, 1|layout.Unfinished)
	if _, ok, err := r.TryReadFrame(); ok || err != nil {
		c.failf("an unfinished frame was read (%v)", err)
	}
	layout.WriteSeq(p.ring, 1)
	c.must(p.data.Post(1))
	c.read(r, 1, 10).Release()
}

func readEmptyFrame(c *C) {
	r := c.ring(1024)
	p := c.channel().connect()
	p.write(10)
	p.write(0)
	p.write(20)
	c.read(r, 1, 10).Release()
	c.read(r, 2, 0).Release()
	c.read(r, 3, 20).Release()
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024)
}

func readRestartSequence(c *C) {
	r := c.ring(1024)
	p := c.channel().connect()
	p.write(10)
	p.write(10)
	p.put(1, payload(1, 30))
	p.put(2, payload(2, 30))
	c.read(r, 1, 10).Release()
	c.read(r, 2, 10).Release()
	c.read(r, 1, 30).Release()
	c.read(r, 2, 30).Release()
	equal(c, "Stats().WriterRestarts", r.Stats().WriterRestarts, 1)
}

func readWrongSequence(c *C) {
	r := c.ring(1024)
	p := c.channel().connect()
	p.put(3, payload(3, 10))
	before := p.memory()
	for range 2 {
		_, err := r.ReadFrame(background)
		var seq *zerobuffer.SequenceError
		if !errors.As(err, &seq) || seq.Expected != 1 || seq.Got != 3 ||
			!errors.Is(err, zerobuffer.ErrSequence) {
			c.failf("frame 3 instead of 1: error is %v", err)
		}
	}
	if p.memory() != before {
		c.failf("the refused frame has changed the segment")
	}
	layout.WriteSeq(p.ring, 1)
	c.same(c.firstFrame(r), 3, 10)
}

// firstFrame reads a frame whatever its number.
func (c *C) firstFrame(r *zerobuffer.Reader) []byte {
	c.Helper()
	f, err := r.ReadFrame(background)
	c.must(err)
	b := append([]byte(nil), f.Bytes()...)
	f.Release()
	return b
}

func readWrongSize(c *C) {
	for _, bad := range []uint64{11, 500, 1009, 1024, 1 << 31, 1 << 62, ^uint64(0), ^uint64(0) - 15} {
		c.name = uniqueName("size")
		r := c.ring(1024)
		p := c.channel().connect()
		p.write(10)
		layout.WriteSize(p.ring, bad)
		before := p.memory()
		for range 2 {
			if _, err := r.ReadFrame(background); !errors.Is(err, zerobuffer.ErrCorrupt) {
				c.failf("size %d of a frame with 10 bytes: error is %v, want ErrCorrupt", bad, err)
			}
		}
		if p.memory() != before {
			c.failf("the refused frame has changed the segment")
		}
		layout.WriteSize(p.ring, 10)
		c.same(c.firstFrame(r), 1, 10)
		r.Close()
	}
}

func readWrongPosition(c *C) {
	for _, pos := range []uint64{1025, 1 << 40, ^uint64(0)} {
		c.name = uniqueName("pos")
		r := c.ring(1024)
		p := c.channel().connect()
		p.o.WritePos.Store(pos)
		c.must(p.data.Post(1))
		if _, err := r.ReadFrame(background); !errors.Is(err, zerobuffer.ErrCorrupt) {
			c.failf("write_pos %d: error is %v, want ErrCorrupt", pos, err)
		}
		p.o.WritePos.Store(0)
		p.o.ReadPos.Store(pos)
		c.must(p.data.Post(1))
		if _, err := r.ReadFrame(background); !errors.Is(err, zerobuffer.ErrCorrupt) {
			c.failf("read_pos %d: error is %v, want ErrCorrupt", pos, err)
		}
		r.Close()
	}
}

func readCancel(c *C) {
	r := c.ring(1024)
	w := c.writer()
	for range 20 {
		ctx, cancel := context.WithCancel(background)
		done := make(chan error, 1)
		go func() { _, err := r.ReadFrame(ctx); done <- err }()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			c.failf("cancelled read: error is %v", err)
		}
	}
	c.write(w, 1, 10)
	if _, err := r.ReadFrame(ended()); !errors.Is(err, context.Canceled) {
		c.failf("read with an ended context: error is %v", err)
	}
	c.read(r, 1, 10).Release()
}

func readClose(c *C) {
	r := c.ring(1024)
	p := c.channel()
	done := make(chan error, 1)
	go func() { _, err := r.ReadFrame(background); done <- err }()
	c.eventually(func() bool { _, w := p.data.State(); return w == 1 })
	c.must(r.Close())
	if err := <-done; !errors.Is(err, zerobuffer.ErrClosed) {
		c.failf("read that was closed: error is %v", err)
	}
}
