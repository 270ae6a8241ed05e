package drivertest

import (
	"errors"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const crashRule = "contract 5a, a killed writer: "

var recoveryCases = []testCase{
	{"dead-sequence-goes-on", crashRule + "a new writer goes on with the next number", deadSequence},
	{
		"dead-unpublished", crashRule + "a frame whose position was not published is written again",
		deadUnpublished,
	},
	{"dead-unpublished-at-0", crashRule + "a marked frame at 0 gives the last number", deadAtZero},
	{
		"dead-before-subtract", crashRule + "a published frame gets its subtraction and its token",
		deadBeforeSubtract,
	},
	{"dead-after-subtract", crashRule + "an account that is settled is not settled again towards a " +
		"reader of ours", deadAfterSubtract},
	{"dead-in-restart", crashRule + "a restart at 0 between its two stores is undone", deadInRestart},
	{"dead-token-blocked", crashRule + "missing tokens are posted when the reader is blocked with " +
		"none", deadTokenBlocked},
	{
		"dead-token-unproved", crashRule + "no token is posted while it is unproved that one is missing",
		deadTokenUnproved,
	},
	{
		"dead-broken-chain", crashRule + "a broken chain is ErrCorrupt and nothing is changed",
		deadBrokenChain,
	},
	{"dead-all-read", crashRule + "the reader gets all frames, then ErrWriterDead, and goes on with " +
		"the next writer", deadAllRead},
	{"dead-waiter", "contract 5, sem-r: the waiter that a killed writer left is reset", deadWaiter},
	{"dead-pid-cleared", "contract 5, name in use: our reader clears the PID of a dead writer and " +
		"heals the free bytes", deadPIDCleared},
	{
		"dead-reader", "contract 5: a dead reader is ErrReaderDead with the number of unread frames",
		deadReader,
	},
}

// killed opens a channel whose writer was killed after it wrote frames of n bytes: PID and
// frames are there, the process is not.
func (c *C) killed(frames uint64, n int) *peer {
	c.Helper()
	w := c.writer()
	for seq := uint64(1); seq <= frames; seq++ {
		c.write(w, seq, n)
	}
	p := c.channel()
	count := p.o.WrittenCount.Load()
	free := p.o.PayloadFree.Load()
	have := tokens(p.data)
	c.must(w.Close())
	// Undo the signs of a close.
	p.data.Take(tokens(p.data) - min(tokens(p.data), have))
	p.o.WrittenCount.Store(count)
	p.o.PayloadFree.Store(free)
	p.o.WriterPID.Store(c.h.DeadPID(c.t))
	p.written = frames
	return p
}

func deadSequence(c *C) {
	p := c.foreignReader(1024)
	size := func(uint64) int { return 100 }
	c.killed(3, 100)
	p.readAll(3, size)
	w := c.writer()
	c.write(w, 4, 100)
	p.readAll(4, size)
}

// begin writes the marked header and the payload of the next frame at at.
func (p *peer) begin(at uint64, n int) {
	p.written++
	p.header(at, uint64(n), p.written|layout.Unfinished)
	copy(p.ring[at+layout.HeaderSize:], payload(p.written, n))
}

func deadUnpublished(c *C) {
	p := c.foreignReader(1024)
	size := func(uint64) int { return 100 }
	k := c.killed(2, 100)
	k.begin(232, 100)
	w := c.writer()
	c.write(w, 3, 100)
	p.readAll(3, size)
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024)
}

func deadAtZero(c *C) {
	p := c.foreignReader(256)
	size := func(uint64) int { return 60 }
	k := c.killed(3, 60)
	p.readAll(3, size)
	// The fourth frame goes to 0, over the headers that would tell the last number.
	k.header(228, 0, 0)
	k.begin(0, 60)
	w := c.writer()
	c.write(w, 4, 60)
	p.readAll(4, size)
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256)
}

func deadBeforeSubtract(c *C) {
	p := c.foreignReader(1024)
	size := func(uint64) int { return 100 }
	k := c.killed(1, 100)
	held := p.read() // so that the positions do not tell what is free
	k.begin(116, 100)
	k.o.WrittenCount.Add(1)
	k.o.WritePos.Store(232)
	w := c.writer()
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024-232)
	p.release(held)
	equal(c, "sequence word", p.head(116).Seq, 2)
	equal(c, "tokens of sem-w", tokens(p.data), 1)
	c.write(w, 3, 100)
	p.readAll(3, size)
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024)
}

func deadAfterSubtract(c *C) {
	r := c.ring(1024)
	k := c.killed(1, 100)
	c.read(r, 1, 100).Release()
	k.begin(116, 100)
	k.o.WritePos.Store(232)
	k.o.PayloadFree.Add(^uint64(0) - 115)
	w := c.writer()
	equal(c, "payload_free_bytes", k.o.PayloadFree.Load(), 1024-116)
	c.read(r, 2, 100).Release()
	c.write(w, 3, 100)
	c.read(r, 3, 100).Release()
	equal(c, "payload_free_bytes", k.o.PayloadFree.Load(), 1024)
}

func deadInRestart(c *C) {
	p := c.foreignReader(256)
	k := c.killed(2, 60)
	p.readAll(2, func(uint64) int { return 60 })
	k.begin(0, 200)
	k.o.ReadPos.Store(0)
	w := c.writer()
	c.write(w, 3, 150)
	p.readAll(3, func(uint64) int { return 150 })
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 256)
}

func deadTokenBlocked(c *C) {
	p := c.foreignReader(1024)
	size := func(uint64) int { return 100 }
	k := c.killed(3, 100)
	k.data.Take(3) // killed between the accounts and the post
	w := c.writer()
	got := c.waiting(p.data, k.data, 1)
	c.write(w, 4, 100)
	equal(c, "tokens that the reader got", <-got, 1)
	c.must(p.data.Post(1)) // gives it to the loop below
	p.readAll(4, size)
	equal(c, "tokens of sem-w", tokens(p.data), 0)
}

func deadTokenUnproved(c *C) {
	p := c.foreignReader(1024)
	c.killed(3, 100)
	// A reader has taken a token and not moved read_pos yet: 2 tokens for 3 frames is right.
	p.data.Take(1)
	w := c.writer()
	equal(c, "tokens of sem-w", tokens(p.data), 2)
	c.write(w, 4, 100)
	equal(c, "tokens of sem-w", tokens(p.data), 3)
	c.must(p.data.Post(1))
	p.readAll(4, func(uint64) int { return 100 })
}

func deadBrokenChain(c *C) {
	c.ring(1024)
	k := c.killed(3, 100)
	k.header(116, 77, 2)
	before := k.memory()
	c.refused(zerobuffer.ErrCorrupt)
	if k.memory() != before {
		c.failf("the refused writer has changed the segment")
	}
}

func deadAllRead(c *C) {
	r := c.ring(1024)
	k := c.killed(3, 100)
	k.data.Take(3) // positions alone count now
	for seq := uint64(1); seq <= 3; seq++ {
		c.read(r, seq, 100).Release()
	}
	for range 2 {
		if _, err := r.ReadFrame(background); !errors.Is(err, zerobuffer.ErrWriterDead) {
			c.failf("read after a dead writer: error is %v, want ErrWriterDead", err)
		}
	}
	w := c.writer()
	c.must(r.WaitWriter(background))
	c.write(w, 4, 100)
	c.read(r, 4, 100).Release()
}

func deadWaiter(c *C) {
	c.ring(256)
	k := c.killed(1, 200)
	c.must(k.ch.Liveness().Claim(driver.Writer))
	got := c.waiting(k.space, c.channel().space, 1)
	k.ch.Liveness().Disclaim(driver.Writer) // the end of the process does that
	c.writer()
	_, waiters := k.space.State()
	equal(c, "waiters of sem-r after a new writer came", waiters, 0)
	c.eventually(func() bool {
		if len(got) == 0 && tokens(k.space) == 0 {
			c.must(k.space.Post(1))
		}
		k.space.Wake()
		return len(got) == 1
	})
}

func deadPIDCleared(c *C) {
	r := c.ring(1024)
	k := c.killed(1, 100)
	k.o.PayloadFree.Store(700)
	c.read(r, 1, 100).Release()
	if _, err := r.ReadFrame(background); !errors.Is(err, zerobuffer.ErrWriterDead) {
		c.failf("read after a dead writer: error is %v, want ErrWriterDead", err)
	}
	equal(c, "writer_pid", k.o.WriterPID.Load(), 0)
	equal(c, "payload_free_bytes", k.o.PayloadFree.Load(), 1024)
}

func deadReader(c *C) {
	p := c.foreignReader(256)
	w := c.writer()
	c.write(w, 1, 100)
	c.write(w, 2, 100)
	p.o.ReaderPID.Store(c.h.DeadPID(c.t))
	err := w.WriteFrame(background, payload(3, 100))
	var gone *zerobuffer.ReaderGoneError
	if !errors.As(err, &gone) || !errors.Is(err, zerobuffer.ErrReaderDead) || gone.Closed {
		c.failf("write for a dead reader: error is %v, want ErrReaderDead", err)
	}
	equal(c, "unread frames", gone.Unread, 2)
	c.must(w.Close())
	if _, err := zerobuffer.NewWriter(c.h.New(c.t), c.name, nil); !errors.Is(err,
		driver.ErrNotReady) || !errors.Is(err, zerobuffer.ErrReaderDead) {
		c.failf("NewWriter for a dead reader: error is %v", err)
	}
}
