package drivertest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

var spaceCases = []testCase{
	{"space-fifo", "contract 5: space goes back in the order of the frames, whatever the order of " +
		"release", spaceFIFO},
	{"space-release-position", readRule + "read_pos and read_count are those of the last frame that " +
		"was given back", spaceReleasePosition},
	{"space-release-twice", "a second release does nothing", spaceReleaseTwice},
	{"space-one-token", "contract 5, sem-r: a post is left out while a token is there", spaceOneToken},
	{
		"space-surplus-tokens", "contract 5, sem-r: our writer takes surplus tokens away",
		spaceSurplusTokens,
	},
	{
		"space-tokens-each-lap", "contract 5, sem-r: our writer takes tokens away now and then, " +
			"although there is always room", spaceTokensEachLap,
	},
	{"space-free-too-high", writeRule + "free space is the lesser of the free bytes and what the " +
		"positions say", spaceFreeTooHigh},
	{"space-free-negative", "free bytes below 0 are no space", spaceFreeNegative},
	{"space-strict", writeRule + "write_pos never catches up with read_pos", spaceStrict},
	{"space-held-over-wrap", writeRule + "the waste of a wrap counts as free only when all before " +
		"it has come back", spaceHeldOverWrap},
	{"space-full-timeout", "a write that finds no room in time is ErrBufferFull", spaceFullTimeout},
	{
		"space-slow-reader", "a writer that fills the ring goes on when space comes back",
		spaceSlowReader,
	},
	{
		"space-stuck-writer", readRule + "free bytes that were lost are healed for a blocked writer",
		spaceStuckWriter,
	},
	{
		"space-stuck-writer-polled", readRule + "free bytes that were lost are healed for a blocked " +
			"writer, also by calls that end early", spaceStuckWriterPolled,
	},
	{
		"space-stuck-token", readRule + "frames whose tokens were lost are read when the writer is " +
			"blocked", spaceStuckToken,
	},
}

func spaceFIFO(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	var frames []zerobuffer.Frame
	for seq := uint64(1); seq <= 4; seq++ {
		c.write(w, seq, 100)
		frames = append(frames, c.read(r, seq, 100))
	}
	full := p.o.PayloadFree.Load()
	frames[2].Release()
	frames[1].Release()
	equal(c, "payload_free_bytes with the first frame held", p.o.PayloadFree.Load(), full)
	frames[0].Release()
	equal(c, "payload_free_bytes with the first three back", p.o.PayloadFree.Load(), full+3*116)
	c.same(frames[3].Bytes(), 4, 100)
	frames[3].Release()
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024)
}

func spaceReleasePosition(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 100)
	c.write(w, 2, 100)
	a, b := c.read(r, 1, 100), c.read(r, 2, 100)
	equal(c, "read_pos with both held", p.o.ReadPos.Load(), 0)
	equal(c, "read_count with both held", p.o.ReadCount.Load(), 0)
	a.Release()
	equal(c, "read_pos", p.o.ReadPos.Load(), 116)
	b.Release()
	equal(c, "read_pos", p.o.ReadPos.Load(), 232)
	equal(c, "read_count", p.o.ReadCount.Load(), 2)
}

func spaceReleaseTwice(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 100)
	c.write(w, 2, 100)
	first := c.read(r, 1, 100)
	first.Release()
	second := c.read(r, 2, 100)
	first.Release()
	first.Release()
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024-116)
	equal(c, "Valid of the second frame", second.Valid(), true)
	equal(c, "Valid of the first frame", first.Valid(), false)
	second.Release()
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024)
	// What stands for a released frame is used again for a later one.
	for seq := uint64(3); seq <= 200; seq++ {
		c.write(w, seq, 100)
		f := c.read(r, seq, 100)
		first.Release()
		equal(c, "Valid of a later frame", f.Valid(), true)
		f.Release()
	}
}

func spaceOneToken(c *C) {
	r := c.ring(4096)
	w, p := c.writer(), c.channel()
	for seq := uint64(1); seq <= 10; seq++ {
		c.write(w, seq, 100)
		c.read(r, seq, 100).Release()
		equal(c, "tokens of sem-r", tokens(p.space), 1)
	}
}

func spaceSurplusTokens(c *C) {
	c.ring(256)
	w, p := c.writer(), c.channel()
	c.must(p.space.Post(1000))
	c.write(w, 1, 200)
	done := make(chan error, 1)
	go func() { done <- w.WriteFrame(background, payload(2, 200)) }()
	c.eventually(func() bool { n, waiters := p.space.State(); return n == 0 && waiters == 1 })
	c.must(w.Close())
	if err := <-done; !errors.Is(err, zerobuffer.ErrClosed) {
		c.failf("write that was closed: error is %v", err)
	}
}

// A foreign reader that is always faster than the writer posts a token for each frame, which nobody
// waits for. After 2^31 of them its post would fail, and programs in C++ abort then.
func spaceTokensEachLap(c *C) {
	p := c.foreignReader(1024)
	w := c.writer()
	for seq := uint64(1); seq <= 200; seq++ {
		if seq <= 100 {
			c.write(w, seq, 50)
		} else if ok, err := w.TryWriteFrame(payload(seq, 50)); !ok || err != nil {
			c.failf("TryWriteFrame says %v, %v", ok, err)
		}
		p.release(p.read())
		if n := tokens(p.space); n > 2*1024/66 {
			c.failf("%d tokens are there after %d frames, more than those of two laps", n, seq)
		}
	}
}

func spaceFreeTooHigh(c *C) {
	r := c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 500)
	f := c.read(r, 1, 500)
	c.write(w, 2, 400)
	p.o.PayloadFree.Store(1 << 40)
	if ok, err := w.TryWriteFrame(payload(3, 300)); ok || err != nil {
		c.failf("a frame was written over one that is held (%v)", err)
	}
	c.same(f.Bytes(), 1, 500)
	f.Release()
}

func spaceFreeNegative(c *C) {
	p := c.foreignReader(1024)
	w := c.writer()
	p.o.PayloadFree.Store(^uint64(0) - 100)
	if ok, err := w.TryWriteFrame(payload(1, 10)); ok || err != nil {
		c.failf("a frame was written without free space (%v)", err)
	}
}

func spaceStrict(c *C) {
	p := c.foreignReader(256)
	w := c.writer()
	for seq := uint64(1); seq <= 3; seq++ {
		c.write(w, seq, 48)
	}
	// The fourth would end where the reader is, and full would look like empty.
	if ok, err := w.TryWriteFrame(payload(4, 48)); ok || err != nil {
		c.failf("write_pos caught up with read_pos (%v)", err)
	}
	p.readAll(3, func(uint64) int { return 48 })
	c.write(w, 4, 48)
	p.readAll(4, func(uint64) int { return 48 })
}

func spaceHeldOverWrap(c *C) {
	p := c.foreignReader(1024)
	w := c.writer()
	c.write(w, 1, 484) // 0..500
	c.write(w, 2, 384) // 500..900
	p.release(p.read())
	held := p.read()
	c.write(w, 3, 284) // marker at 900, 0..300
	next := p.read()   // gives back 124 bytes of tail while frame 2 is held
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024-400-300)
	if ok, err := w.TryWriteFrame(payload(4, 250)); ok || err != nil {
		c.failf("a frame was written over one that is held (%v)", err)
	}
	c.same(held.bytes, 2, 384)
	p.release(held)
	c.write(w, 4, 250)
	c.same(next.bytes, 3, 284)
	p.release(next)
	p.readAll(4, func(uint64) int { return 250 })
}

func spaceFullTimeout(c *C) {
	c.ring(256)
	w, err := zerobuffer.NewWriter(c.h.New(c.t), c.name,
		&zerobuffer.WriterOptions{WriteTimeout: 20 * time.Millisecond})
	c.must(err)
	defer w.Close()
	p := c.channel()
	c.write(w, 1, 150)
	before := p.memory()
	start := time.Now()
	err = w.WriteFrame(background, payload(2, 150))
	if !errors.Is(err, zerobuffer.ErrBufferFull) || !errors.Is(err, zerobuffer.ErrTimeout) {
		c.failf("write into a full ring: error is %v, want ErrBufferFull", err)
	}
	if took := time.Since(start); took < 20*time.Millisecond {
		c.failf("time-out after %v, before its time", took)
	}
	if p.memory() != before {
		c.failf("the write that timed out has changed the segment")
	}
}

func spaceSlowReader(c *C) {
	r := c.ring(512)
	w := c.writer()
	const frames = 400
	done := make(chan error, 1)
	go func() {
		for seq := uint64(1); seq <= frames; seq++ {
			if err := w.WriteFrame(background, payload(seq, 1+int(seq*29%200))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for seq := uint64(1); seq <= frames; seq++ {
		f := c.read(r, seq, 1+int(seq*29%200))
		if seq%20 == 0 {
			time.Sleep(time.Millisecond)
		}
		f.Release()
	}
	c.must(<-done)
}

func spaceStuckWriter(c *C) {
	r := c.ring(256)
	p := c.channel().connect()
	p.write(100)
	c.read(r, 1, 100).Release()
	// The writer's subtraction has swallowed the reader's addition.
	p.o.PayloadFree.Add(^uint64(0) - 115)
	done := p.writeWhenFree(200, 100)
	c.read(r, 2, 100).Release()
	<-done
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256)
	equal(c, "Stats().Repairs", r.Stats().Repairs, 1)
}

// writeWhenFree writes a frame of n bytes, as a peer does that is blocked until so much is free.
func (p *peer) writeWhenFree(free uint64, n int) <-chan bool {
	done := make(chan bool)
	var stop atomic.Bool
	go func() {
		defer close(done)
		for p.o.PayloadFree.Load() < free {
			if p.space.Wait(1, 50*time.Millisecond); stop.Load() {
				return
			}
		}
		p.write(n)
	}()
	p.c.Cleanup(func() { stop.Store(true); <-done })
	return done
}

func spaceStuckWriterPolled(c *C) {
	const short = 5 * time.Millisecond
	r := c.reader(zerobuffer.ReaderOptions{PayloadSize: 256, ReadTimeout: short})
	p := c.channel().connect()
	p.write(100)
	c.read(r, 1, 100).Release()
	polls := []func() (zerobuffer.Frame, error){
		func() (zerobuffer.Frame, error) { return r.ReadFrame(background) },
		func() (zerobuffer.Frame, error) {
			ctx, cancel := context.WithTimeout(background, short-1)
			defer cancel()
			return r.ReadFrame(ctx)
		},
		func() (zerobuffer.Frame, error) {
			f, _, err := r.TryReadFrame()
			return f, err
		},
	}
	for i, poll := range polls {
		p.o.PayloadFree.Add(^uint64(0) - 115) // lost, as in spaceStuckWriter
		done := p.writeWhenFree(200, 100)
		var f zerobuffer.Frame
		c.eventually(func() bool {
			var err error
			if f, err = poll(); err != nil && !errors.Is(err, zerobuffer.ErrTimeout) {
				c.must(err)
			}
			return f.Valid()
		})
		<-done
		c.same(f.Bytes(), uint64(i+2), 100)
		f.Release()
		equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256)
		equal(c, "Stats().Repairs", r.Stats().Repairs, uint64(i+1))
	}
}

// A writer that was killed between write_pos and token, and whose successor came before the reader
// noticed, has left a frame without a token. The successor may need the space of that frame.
func spaceStuckToken(c *C) {
	r := c.ring(256)
	p := c.channel().connect()
	p.write(100)
	p.write(100)
	equal(c, "tokens that were taken", p.data.Take(2), 2)
	done := p.writeWhenFree(200, 100)
	c.read(r, 1, 100).Release()
	c.read(r, 2, 100).Release()
	<-done
	c.read(r, 3, 100).Release()
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256)
	equal(c, "Stats().Repairs", r.Stats().Repairs, 0)
}
