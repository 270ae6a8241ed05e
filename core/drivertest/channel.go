package drivertest

import (
	"errors"
	"io/fs"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// config is what a bare Create or Open gets.
func (c *C) config(size uint64) driver.Config {
	return driver.Config{
		Size:   size,
		Format: func([]byte, uint64) error { return nil },
		Logger: slog.New(slog.DiscardHandler),
	}
}

var channelCases = []testCase{
	{
		"create-complete", "contract 5, buffer half made: a segment becomes visible only when " +
			"it is complete, zeroed and formatted", createComplete,
	},
	{
		"create-twice", "contract 5, name in use: a live buffer is never taken over, and nothing " +
			"of it is touched", createTwice,
	},
	{
		"create-format-fails", "an error of Format leaves nothing behind", createFormatFails,
	},
	{
		"open-missing", "a buffer that is not there is fs.ErrNotExist", openMissing,
	},
	{
		"open-same-memory", "contract 1: all programs that open a name share memory and " +
			"semaphores", openSameMemory,
	},
	{
		"names", "contract 1: names that cannot be file names or object names are refused, UUIDs, " +
			"dots, dashes and underscores work", names,
	},
	{
		"remove-then-close", "after Remove the name is free and the memory still mapped; both can " +
			"be called twice", removeThenClose,
	},
	{
		"check-removed", "a segment that lost its name is ErrSegmentRemoved", checkRemoved,
	},
	{
		"look-no-allocation", "no allocation in Check and Alive: a call that times out does both",
		lookNoAllocation,
	},
	{
		"maps", "the channel knows the addresses of its memory, so that a fault there is told " +
			"from others", maps,
	},
	{
		"check-intact", "Check of an intact buffer changes nothing", checkIntact,
	},
}

func maps(c *C) {
	c.ring(1000)
	p := c.channel()
	mem := p.ch.Memory()
	start := reflect.ValueOf(mem).Pointer()
	equal(c, "Maps of the first byte", p.ch.Maps(start), true)
	equal(c, "Maps of the last byte", p.ch.Maps(start+uintptr(len(mem))-1), true)
	equal(c, "Maps of the address before", p.ch.Maps(start-1), false)
	equal(c, "Maps of something else", p.ch.Maps(reflect.ValueOf(c).Pointer()), false)
}

func createComplete(c *C) {
	r := c.ring(1000)
	p := c.channel()
	equal(c, "payload_size", p.o.PayloadSize.Load(), 1024)
	equal(c, "payload_free_bytes", p.o.PayloadFree.Load(), 1024)
	equal(c, "oieb_size", p.o.Size.Load(), 128)
	if p.o.ReaderPID.Load() == 0 {
		c.failf("reader_pid is 0")
	}
	for i, b := range p.ch.Memory()[layout.OIEBSize:] {
		if b != 0 {
			c.failf("byte %d behind the OIEB is %#x", i, b)
		}
	}
	equal(c, "Name", r.Name(), c.name)
}

func createTwice(c *C) {
	c.ring(1024)
	p := c.channel()
	before := p.memory()
	called := false
	config := c.config(4096)
	config.Format = func([]byte, uint64) error { called = true; return nil }
	ch, err := c.h.New(c.t).Create(c.name, config)
	if err == nil {
		c.must(errors.Join(ch.Remove(), ch.Close()))
	}
	if !errors.Is(err, driver.ErrReaderConnected) || !errors.Is(err, fs.ErrExist) {
		c.failf("second Create: error is %v, want ErrReaderConnected", err)
	}
	if p.memory() != before {
		c.failf("second Create has changed the segment (Format called: %v)", called)
	}
	c.must(p.ch.Check())
	c.channel()
}

func createFormatFails(c *C) {
	boom := errors.New("boom")
	config := c.config(4096)
	config.Format = func([]byte, uint64) error { return boom }
	b := c.h.New(c.t)
	if _, err := b.Create(c.name, config); !errors.Is(err, boom) {
		c.failf("Create: error is %v, want that of Format", err)
	}
	if _, err := b.Open(c.name, c.config(0)); !errors.Is(err, driver.ErrNotFound) {
		c.failf("Open after a failed Create: error is %v, want ErrNotFound", err)
	}
	c.ring(1024)
}

func openMissing(c *C) {
	_, err := c.h.New(c.t).Open(c.name, c.config(0))
	if !errors.Is(err, driver.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
		c.failf("Open: error is %v, want ErrNotFound", err)
	}
	if errors.Is(err, driver.ErrNotReady) {
		c.failf("Open: %v says that the buffer is being made", err)
	}
}

func openSameMemory(c *C) {
	c.ring(1024)
	a, b := c.channel(), c.channel()
	a.ring[77] = 0xa5
	equal(c, "byte 77 in the other mapping", b.ring[77], 0xa5)
	c.must(a.data.Post(3))
	equal(c, "tokens of sem-w", tokens(b.data), 3)
	equal(c, "tokens of sem-r", tokens(b.space), 0)
	c.must(b.space.Post(2))
	equal(c, "tokens of sem-r", tokens(a.space), 2)
}

func names(c *C) {
	b := c.h.New(c.t)
	for _, bad := range []string{
		"", ".", "..", "a/b", `a\b`, "a\x00b", "a\nb", "/a", strings.Repeat("x", 246),
		strings.Repeat("x", 300), "\xff",
	} {
		if ch, err := b.Create(bad, c.config(4096)); !errors.Is(err, driver.ErrInvalidName) {
			c.failf("Create(%q): error is %v (%v), want ErrInvalidName", bad, err, ch)
		}
		if ch, err := b.Open(bad, c.config(0)); !errors.Is(err, driver.ErrInvalidName) {
			c.failf("Open(%q): error is %v (%v), want ErrInvalidName", bad, err, ch)
		}
	}
	long := c.name + "-"
	for _, good := range []string{
		c.name + "-123e4567-e89b-12d3-a456-426614174000", c.name + ".a.b", c.name + "_-x",
		c.name + " with a space", c.name + "-é", long + strings.Repeat("y", 245-len(long)),
	} {
		config := c.config(4096)
		ch, err := b.Create(good, config)
		c.must(err)
		c.must(ch.Remove())
		c.must(ch.Close())
	}
}

func removeThenClose(c *C) {
	b := c.h.New(c.t)
	ch, err := b.Create(c.name, c.config(4096))
	c.must(err)
	c.must(ch.Remove())
	ch.Memory()[4095] = 1
	next, err := b.Create(c.name, c.config(8192))
	c.must(err)
	equal(c, "last byte of the next segment", next.Memory()[8191], 0)
	// The first side's second Remove must not touch what has the name now.
	c.must(ch.Remove())
	c.must(ch.Close())
	c.must(ch.Close())
	c.must(next.Check())
	c.must(next.Remove())
	c.must(next.Close())
}

func checkRemoved(c *C) {
	r := c.ring(1024)
	p := c.channel()
	c.must(p.ch.Check())
	c.must(r.Close())
	if err := p.ch.Check(); !errors.Is(err, driver.ErrSegmentRemoved) {
		c.failf("Check after the reader's Close: error is %v, want ErrSegmentRemoved", err)
	}
	c.ring(2048)
	if err := p.ch.Check(); !errors.Is(err, driver.ErrSegmentRemoved) {
		c.failf("Check with another buffer under the name: error is %v", err)
	}
	p.ring[0] = 1 // still mapped
}

func checkIntact(c *C) {
	c.ring(1024)
	p := c.channel()
	before := p.memory()
	for range 3 {
		c.must(p.ch.Check())
	}
	if p.memory() != before {
		c.failf("Check has changed the segment")
	}
}

func lookNoAllocation(c *C) {
	r, w := c.bareReader(1024), c.channel()
	c.must(w.ch.Liveness().Claim(driver.Writer))
	pid := w.ch.Liveness().PID()
	look := func() {
		c.must(errors.Join(r.ch.Check(), w.ch.Check()))
		if !r.ch.Liveness().Alive(driver.Writer, pid) || !w.ch.Liveness().Alive(driver.Reader, pid) {
			c.failf("a side that lives is taken for dead")
		}
	}
	equal(c, "allocations", testing.AllocsPerRun(100, look), 0)
}
