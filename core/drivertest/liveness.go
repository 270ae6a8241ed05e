package drivertest

import (
	"errors"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const liveRule = "contract 5, liveness: "

var livenessCases = []testCase{
	{"claim-exclusive", liveRule + "one reader and one writer of ours", claimExclusive},
	{"claim-ours", liveRule + "a claim tells programs of ours from others", claimOurs},
	{"alive-pid", liveRule + "a peer without a claim lives as long as its process", alivePID},
	{"alive-claim", liveRule + "a claim beats the PID", aliveClaim},
	{"writer-twice", "one writer: a second one is refused and nothing is touched", writerTwice},
	{
		"writer-foreign", "contract 5, writer attaches: a live foreign writer is not displaced",
		writerForeign,
	},
}

func claimExclusive(c *C) {
	c.ring(1024)
	a, b := c.channel(), c.channel()
	if err := a.ch.Liveness().Claim(driver.Reader); !errors.Is(err, driver.ErrReaderConnected) {
		c.failf("Claim of the reader's role: error is %v, want ErrReaderConnected", err)
	}
	c.must(a.ch.Liveness().Claim(driver.Writer))
	if err := b.ch.Liveness().Claim(driver.Writer); !errors.Is(err, driver.ErrWriterConnected) {
		c.failf("second Claim of the writer's role: error is %v, want ErrWriterConnected", err)
	}
	c.must(a.ch.Remove())
	c.must(b.ch.Liveness().Claim(driver.Writer))
}

func claimOurs(c *C) {
	c.ring(1024)
	a, b := c.channel(), c.channel()
	equal(c, "Ours(reader)", a.ch.Liveness().Ours(driver.Reader), true)
	equal(c, "Ours(writer)", a.ch.Liveness().Ours(driver.Writer), false)
	c.must(b.ch.Liveness().Claim(driver.Writer))
	equal(c, "Ours(writer)", a.ch.Liveness().Ours(driver.Writer), true)
	b.ch.Liveness().Disclaim(driver.Writer)
	equal(c, "Ours(writer)", a.ch.Liveness().Ours(driver.Writer), false)
}

func alivePID(c *C) {
	p := c.foreignReader(1024)
	q := c.channel()
	c.channel() // another one that lives, and is not meant
	live := q.ch.Liveness()
	equal(c, "Alive of a process that lives", live.Alive(driver.Reader, p.ch.Liveness().PID()), true)
	equal(c, "Alive of none", live.Alive(driver.Writer, 0), false)
	equal(c, "Alive of one that ended", live.Alive(driver.Writer, c.h.DeadPID(c.t)), false)
}

func aliveClaim(c *C) {
	c.ring(1024)
	a, b := c.channel(), c.channel()
	dead := c.h.DeadPID(c.t)
	c.must(a.ch.Liveness().Claim(driver.Writer))
	equal(c, "Alive with a claim", b.ch.Liveness().Alive(driver.Writer, dead), true)
	c.must(a.ch.Remove())
	equal(c, "Alive without the claim", b.ch.Liveness().Alive(driver.Writer, dead), false)
}

func writerTwice(c *C) {
	c.ring(1024)
	w := c.writer()
	p := c.channel()
	before := p.memory()
	c.refused(zerobuffer.ErrWriterConnected)
	if p.memory() != before {
		c.failf("the refused writer has changed the segment")
	}
	c.must(w.Close())
	c.writer()
}

func writerForeign(c *C) {
	c.ring(1024)
	p := c.channel().connect()
	before := p.memory()
	c.refused(zerobuffer.ErrWriterConnected)
	if p.memory() != before {
		c.failf("the refused writer has changed the segment")
	}
}

// refused checks that a new writer gets the error want.
func (c *C) refused(want error) {
	c.Helper()
	w, err := zerobuffer.NewWriter(c.h.New(c.t), c.name, nil)
	if err == nil {
		w.Close()
	}
	if !errors.Is(err, want) {
		c.failf("NewWriter: error is %v, want %v", err, want)
	}
}
