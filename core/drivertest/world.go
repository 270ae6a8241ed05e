package drivertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Config is a configuration for a bare Create of a segment of size bytes, with an OIEB, a ring and
// no metadata block.
func Config(size uint64) driver.Config {
	return driver.Config{
		Size: size,
		Format: func(mem []byte, pid uint64) error {
			g, err := layout.NewGeometry(0, int64(size)-layout.OIEBSize)
			if err == nil {
				_, err = layout.Format(mem, g, pid)
			}
			return err
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

var lastName atomic.Uint64

// uniqueName is a name that no other run on this machine uses.
func uniqueName(what string) string {
	return fmt.Sprintf("zbtest-%d-%d-%s", os.Getpid(), lastName.Add(1), what)
}

// background is the context of calls that must not block for ever; the watchdog of go test ends
// those that do.
var background = context.Background()

// reader creates the buffer of the case.
func (c *C) reader(o zerobuffer.ReaderOptions) *zerobuffer.Reader {
	c.Helper()
	r, err := zerobuffer.NewReader(c.h.New(c.t), c.name, &o)
	c.must(err)
	c.Cleanup(func() { r.Close() })
	return r
}

// ring creates the buffer of the case with a ring of size bytes.
func (c *C) ring(size int64) *zerobuffer.Reader {
	c.Helper()
	return c.reader(zerobuffer.ReaderOptions{PayloadSize: size})
}

// writer connects to the buffer of the case.
func (c *C) writer() *zerobuffer.Writer {
	c.Helper()
	w, err := zerobuffer.NewWriter(c.h.New(c.t), c.name, nil)
	c.must(err)
	c.Cleanup(func() { w.Close() })
	return w
}

// channel opens the buffer of the case bare, as a peer does.
func (c *C) channel() *peer {
	c.Helper()
	ch, err := c.h.New(c.t).Open(c.name, c.config(0))
	c.must(err)
	return c.peer(ch)
}

// peer wraps a channel and looks after its end.
func (c *C) peer(ch driver.Channel) *peer {
	c.Helper()
	c.Cleanup(func() {
		if err := errors.Join(ch.Remove(), ch.Close()); err != nil {
			c.Errorf("end of a channel: %v", err)
		}
	})
	seg, err := layout.Attach(ch.Memory())
	c.must(err)
	return &peer{
		c: c, ch: ch, seg: seg, o: seg.OIEB, ring: seg.Payload, size: uint64(len(seg.Payload)),
		data: ch.DataReady(), space: ch.SpaceReady(),
	}
}

// foreignReader creates the buffer of the case as a reader that is no program of ours: it holds
// no claim.
func (c *C) foreignReader(size int64) *peer {
	c.Helper()
	p := c.bareReader(size)
	p.ch.Liveness().Disclaim(driver.Reader)
	return p
}

// bareReader creates the buffer of the case, and reads nothing by itself.
func (c *C) bareReader(size int64) *peer {
	c.Helper()
	b := c.h.New(c.t)
	g, err := layout.NewGeometry(4096, size)
	c.must(err)
	config := c.config(g.SegmentSize())
	config.Format = func(mem []byte, pid uint64) error {
		_, err := layout.Format(mem, g, pid)
		return err
	}
	ch, err := b.Create(c.name, config)
	c.must(err)
	return c.peer(ch)
}

// eventually waits until cond is true. Except in an exempted case there is no limit, nor in read:
// the watchdog of go test ends a hang.
func (c *C) eventually(cond func() bool) {
	c.Helper()
	for start := time.Now(); !cond(); {
		if c.patience > 0 && time.Since(start) > c.patience {
			c.failf("nothing came within %v", c.patience)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// write writes one frame with the given size and its pattern.
func (c *C) write(w *zerobuffer.Writer, seq uint64, n int) {
	c.Helper()
	if err := w.WriteFrame(background, payload(seq, n)); err != nil {
		c.failf("write frame %d of %d bytes: %v", seq, n, err)
	}
}

// read reads one frame, compares it with its pattern and returns it.
func (c *C) read(r *zerobuffer.Reader, seq uint64, n int) zerobuffer.Frame {
	c.Helper()
	ctx := background
	if c.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.patience)
		defer cancel()
	}
	f, err := r.ReadFrame(ctx)
	if err != nil {
		c.failf("read frame %d: %v", seq, err)
	}
	equal(c, "sequence number", f.Sequence(), seq)
	c.same(f.Bytes(), seq, n)
	return f
}

// same compares a payload with its pattern.
func (c *C) same(got []byte, seq uint64, n int) {
	c.Helper()
	if !bytes.Equal(got, payload(seq, n)) {
		c.failf("frame %d has %d bytes that differ from the %d that were written",
			seq, len(got), n)
	}
}

// payload is the content of frame seq with n bytes.
func payload(seq uint64, n int) []byte {
	b := make([]byte, n)
	for j := range b {
		b[j] = byte(seq*31 + uint64(j)*7 + 1)
	}
	return b
}
