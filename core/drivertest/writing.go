package drivertest

import (
	"errors"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const writeRule = "contract 3a, writing: "

var writingCases = []testCase{
	{"write-bytes", "contract 2: a frame is a header of 16 bytes and the payload, without " +
		"padding", writeBytes},
	{"write-token", "contract 4: one token a frame, none for a marker", writeToken},
	{
		"write-batch-token", writeRule + "a batch is one subtraction and one addition of tokens",
		writeBatchToken,
	},
	{"write-marker", "contract 3: a wrap leaves a marker of size 0 and number 0, counted in " +
		"written_count", writeMarker},
	{
		"write-mark", writeRule + "the sequence word says unfinished until the accounts are settled",
		writeMark,
	},
	{"write-accounts-first", writeRule + "towards a foreign reader positions, free bytes and the " +
		"mark are settled before the token", writeAccountsFirst},
	{"write-token-first", writeRule + "towards ours the token comes before the free bytes, and " +
		"never before the position", writeTokenFirst},
	{"write-no-short-tail", "contract 5: our writer leaves no tail of 1 to 15 bytes in front of " +
		"a foreign reader", writeNoShortTail},
	{"write-fold", "contract 3: a write_pos that reaches the end is stored as 0", writeFold},
	{"write-refused", "a frame that cannot be is refused and changes nothing", writeRefused},
	{
		"write-any-size", "contract 5: any frame that fits into the ring can be written in the end",
		writeAnySize,
	},
	{"write-whole-ring", writeRule + "a frame as large as the ring", writeWholeRing},
	{"write-restart-drained", writeRule + "a restart at offset 0 needs a ring that is given back, " +
		"read and without tokens", writeRestartDrained},
	{"write-abort", "an aborted frame leaves no trace for readers", writeAbort},
	{"write-replaced", "contract 5, writer attaches: a writer whose PID was taken by a live one " +
		"stops, and one whose PID was zeroed puts it back", writeReplaced},
}

func writeBytes(c *C) {
	c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 5)
	equal(c, "header of frame 1", p.head(0), layout.Header{Size: 5, Seq: 1})
	c.same(p.ring[16:21], 1, 5)
	equal(c, "write_pos", p.o.WritePos.Load(), 21)
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024-21)
	equal(c, "written_count", p.o.WrittenCount.Load(), 1)
	c.write(w, 2, 1)
	equal(c, "header of frame 2", p.head(21), layout.Header{Size: 1, Seq: 2})
}

func writeToken(c *C) {
	c.ring(4096)
	w, p := c.writer(), c.channel()
	for i := range uint64(10) {
		c.write(w, i+1, 100)
		equal(c, "tokens of sem-w", tokens(p.data), uint32(i+1))
	}
}

func writeBatchToken(c *C) {
	c.ring(8192)
	posts := 0
	b := spy{c.h.New(c.t), func([]byte, uint32) { posts++ }}
	w, err := zerobuffer.NewWriter(b, c.name, nil)
	c.must(err)
	defer w.Close()
	p := c.channel()
	c.write(w, 1, 10) // the frame at offset 0 is published alone
	posts = 0
	frames := make([][]byte, 20)
	for i := range frames {
		frames[i] = payload(uint64(i+2), 50)
	}
	n, err := w.WriteBatch(background, frames)
	c.must(err)
	equal(c, "frames written", n, 20)
	equal(c, "posts", posts, 1)
	equal(c, "tokens of sem-w", tokens(p.data), 21)
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 8192-26-20*66)
}

func writeMarker(c *C) {
	p := c.foreignReader(256)
	w := c.writer()
	c.write(w, 1, 104)
	c.write(w, 2, 64)
	p.readAll(2, func(seq uint64) int { return map[uint64]int{1: 104, 2: 64}[seq] })
	c.must(p.ch.Check())
	// 200 of 256 bytes are behind both sides. The next frame does not fit into the tail of 56,
	// and the foreign reader holds frame 3, so the ring is not drained: it has to wrap.
	c.write(w, 3, 4)
	g := p.read()
	p.header(220, 5, 5) // as old bytes of an earlier lap
	c.write(w, 4, 60)
	equal(c, "header at the old write_pos", p.head(220), layout.Header{})
	equal(c, "header at 0", p.head(0), layout.Header{Size: 60, Seq: 4})
	equal(c, "written_count", p.o.WrittenCount.Load(), 5)
	equal(c, "tokens of sem-w", tokens(p.data), 1)
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256-20-36-76)
	p.release(g)
	p.readAll(4, func(uint64) int { return 60 })
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256)
	equal(c, "read_count", p.o.ReadCount.Load(), p.o.WrittenCount.Load())
}

func writeMark(c *C) {
	c.ring(1024)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 10)
	b, err := w.Reserve(background, 100)
	c.must(err)
	equal(c, "len and cap of the reserved slice", [2]int{len(b), cap(b)}, [2]int{100, 100})
	equal(c, "header of the reserved frame", p.head(26),
		layout.Header{Size: 100, Seq: 2 | layout.Unfinished})
	equal(c, "write_pos", p.o.WritePos.Load(), 26)
	equal(c, "tokens of sem-w", tokens(p.data), 1)
	c.must(w.Commit(60))
	equal(c, "header of the committed frame", p.head(26), layout.Header{Size: 60, Seq: 2})
	equal(c, "write_pos", p.o.WritePos.Load(), 26+76)
}

func writeAccountsFirst(c *C) {
	c.foreignReader(1024)
	free := uint64(1024)
	writeSpied(c, func(o *layout.OIEB) {
		free -= 116
		equal(c, "payload_free_bytes at the post", o.PayloadFree.Load(), free)
	})
}

func writeTokenFirst(c *C) {
	c.ring(1024)
	free := uint64(1024)
	writeSpied(c, func(o *layout.OIEB) {
		equal(c, "payload_free_bytes at the post", o.PayloadFree.Load(), free)
		free -= 116
	})
	p := c.channel()
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), free)
}

// writeSpied writes five frames, and looks at the segment at the moment of each post.
func writeSpied(c *C, look func(*layout.OIEB)) {
	at, posts, closing := uint64(0), 0, false
	b := spy{c.h.New(c.t), func(mem []byte, n uint32) {
		if closing {
			return // the token of Close promises nothing
		}
		posts++
		seg, err := layout.Attach(mem)
		c.must(err)
		look(seg.OIEB)
		equal(c, "tokens", n, 1)
		equal(c, "write_pos at the post", seg.OIEB.WritePos.Load(), at+116)
		equal(c, "sequence word at the post", layout.ReadHeader(seg.Payload[at:]).Seq, uint64(posts))
		c.same(seg.Payload[at+16:at+116], uint64(posts), 100)
		at += 116
	}}
	w, err := zerobuffer.NewWriter(b, c.name, nil)
	c.must(err)
	for i := range uint64(5) {
		c.write(w, i+1, 100)
	}
	equal(c, "posts", posts, 5)
	closing = true
	c.must(w.Close())
}

func writeNoShortTail(c *C) {
	// Frame sizes such that each tail from 0 to 40 bytes would come up at the end of a lap.
	const size = 512
	for tail := range 41 {
		c.name = uniqueName("tail")
		p := c.foreignReader(size)
		w := c.writer()
		n := (size-tail)/4 - 16
		last := size - tail - 3*(n+16) - 16
		sizes := func(seq uint64) int {
			if seq%4 == 0 {
				return last
			}
			return n
		}
		for seq := uint64(1); seq <= 24; seq++ {
			c.write(w, seq, sizes(seq))
			if pos := p.o.WritePos.Load(); pos > size-16 && pos < size {
				c.failf("write_pos is %d: a tail of %d bytes", pos, size-pos)
			}
			if seq%2 == 0 {
				p.readAll(seq, sizes)
			}
		}
		w.Close()
	}
}

func writeFold(c *C) {
	r := c.ring(256)
	w, p := c.writer(), c.channel()
	c.write(w, 1, 112)
	c.write(w, 2, 4)
	c.read(r, 1, 112).Release()
	c.write(w, 3, 256-148-16)
	equal(c, "write_pos at the end of the ring", p.o.WritePos.Load(), 0)
	c.read(r, 2, 4).Release()
	c.read(r, 3, 256-148-16).Release()
	equal(c, "read_pos at the end of the ring", p.o.ReadPos.Load(), 256)
}

func writeRefused(c *C) {
	c.ring(256)
	w, p := c.writer(), c.channel()
	before := p.memory()
	if err := w.WriteFrame(background, nil); !errors.Is(err, zerobuffer.ErrEmptyFrame) {
		c.failf("frame of 0 bytes: error is %v", err)
	}
	var size *zerobuffer.FrameSizeError
	if err := w.WriteFrame(background, make([]byte, 241)); !errors.As(err, &size) ||
		size.Max != 240 || size.Size != 241 {
		c.failf("frame too large by one byte: error is %v", err)
	}
	if p.memory() != before || tokens(p.data) != 0 {
		c.failf("a refused frame has changed the buffer")
	}
	c.write(w, 1, 240)
}

func writeAnySize(c *C) {
	const size = 192
	r := c.ring(size)
	w := c.writer()
	seq := uint64(0)
	for first := 1; first <= size-16; first += 5 {
		for next := 1; next <= size-16; next += 7 {
			for _, n := range []int{first, next} {
				seq++
				c.write(w, seq, n)
				c.read(r, seq, n).Release()
			}
		}
	}
}

func writeWholeRing(c *C) {
	r := c.ring(256)
	w := c.writer()
	for seq := uint64(1); seq <= 8; seq += 2 {
		c.write(w, seq, 240)
		if ok, err := w.TryWriteFrame([]byte{1}); ok || err != nil {
			c.failf("a full ring took a frame (%v)", err)
		}
		c.read(r, seq, 240).Release()
		c.write(w, seq+1, 33)
		c.read(r, seq+1, 33).Release()
	}
}

func writeRestartDrained(c *C) {
	p := c.foreignReader(256)
	w := c.writer()
	c.write(w, 1, 84)
	g := p.read()
	large := payload(2, 200)
	for _, state := range []string{"a frame is held", "a token is there"} {
		if ok, err := w.TryWriteFrame(large); ok || err != nil {
			c.failf("a restart at 0 while %s (%v)", state, err)
		}
		if g.seq != 0 {
			c.same(g.bytes, 1, 84)
			p.release(g)
			g.seq = 0
			c.must(p.data.Post(1))
		}
	}
	p.data.Take(1)
	c.write(w, 2, 200)
	equal(c, "read_pos after the restart", p.o.ReadPos.Load(), 0)
	p.readAll(2, func(uint64) int { return 200 })
}

func writeAbort(c *C) {
	p := c.foreignReader(256)
	w := c.writer()
	size := func(seq uint64) int { return 40 }
	for seq := uint64(1); seq <= 20; seq++ {
		b, err := w.Reserve(background, 90)
		c.must(err)
		for i := range b {
			b[i] = 0xee
		}
		c.must(w.Abort())
		c.write(w, seq, size(seq))
		p.readAll(seq, size)
	}
}

func writeReplaced(c *C) {
	c.ring(1024)
	w, p := c.writer(), c.channel()
	own := p.o.WriterPID.Load()
	p.o.WriterPID.Store(0)
	c.write(w, 1, 10)
	equal(c, "writer_pid that was zeroed", p.o.WriterPID.Load(), own)
	p.o.WriterPID.Store(c.h.DeadPID(c.t))
	c.write(w, 2, 10)
	equal(c, "writer_pid that a dead process took", p.o.WriterPID.Load(), own)
}
