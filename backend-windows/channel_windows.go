package winshm

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// channel is the [driver.Channel] of both sides.
type channel struct {
	names   objectNames
	name    *uint16 // of the section
	config  driver.Config
	created bool

	mem    []byte
	oieb   *layout.OIEB
	sems   [2]*semaphore // data ready, space ready
	counts *counts
	live   *liveness

	mu      sync.Mutex
	section windows.Handle // 0 for a side that opened
	lock    windows.Handle // of the side that created
	removed bool           // by Remove
	gone    bool           // the reader has left; this side has let go of the names
	closed  bool
}

var _ driver.Channel = (*channel)(nil)

func (c *channel) Memory() []byte               { return c.mem }
func (c *channel) Maps(addr uintptr) bool       { return driver.Within(c.mem, addr) }
func (c *channel) DataReady() driver.Semaphore  { return c.sems[0] }
func (c *channel) SpaceReady() driver.Semaphore { return c.sems[1] }
func (c *channel) Liveness() driver.Liveness    { return c.live }

// finish joins the parts of a channel that has all of them.
func (c *channel) finish() {
	for i, s := range c.sems {
		s.waiters, s.counted = c.counts.of(i), &c.live.ours
	}
	c.live.ended = func() { _ = c.Check() }
}

// Check looks whether the name still leads to this segment. What the creator has made cannot be
// taken from it. A side that opened lets go of its objects when the reader has gone, because a
// new reader can have the names only then.
func (c *channel) Check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return fmt.Errorf("check %s: %w", c.names.segment, os.ErrClosed)
	case c.removed, c.created:
		return nil
	case !c.gone && c.intact():
		return nil
	}
	if !c.gone {
		c.gone = true
		c.live.bury()
		c.letGo()
	}
	return fmt.Errorf("%w: %s is gone: its reader has closed or has ended",
		driver.ErrSegmentRemoved, c.names.segment)
}

// intact tells whether the section of this name is the one that is mapped. The name ends with the
// reader, so another section of that name is that of another reader, or of the same after a close.
func (c *channel) intact() bool {
	if c.oieb.ReaderPID.Load() == 0 {
		return false
	}
	h, err := openFileMapping(readOnly, false, c.name)
	if err != nil {
		return !errors.Is(err, windows.ERROR_FILE_NOT_FOUND)
	}
	defer func() { _ = windows.CloseHandle(h) }()
	mem, err := mapView(h, readOnly, layout.OIEBSize)
	if err != nil {
		return false
	}
	defer func() { _ = unmapView(mem) }()
	o, err := layout.View(mem)
	return err == nil && same(o, c.oieb)
}

// same tells whether two views show the same memory. A peer may store a PID between two looks, so
// a difference counts only if it stays. The writer's PID tells a segment that is in use from one
// that the same reader has just made.
func same(a, b *layout.OIEB) bool {
	for range 5 {
		if a.ReaderPID.Load() == b.ReaderPID.Load() && a.WriterPID.Load() == b.WriterPID.Load() &&
			a.PayloadSize.Load() == b.PayloadSize.Load() {
			return true
		}
	}
	return false
}

// letGo closes the handles that keep the names in use; mu is held, or nobody else has c.
func (c *channel) letGo() {
	for _, s := range c.sems {
		if s != nil {
			s.letGo()
		}
	}
	if c.counts != nil {
		c.counts.letGo()
	}
	closeHandle(&c.section)
	c.live.letGo(c.created)
	closeHandle(&c.lock)
}

func closeHandle(h *windows.Handle) {
	if *h != 0 {
		_ = windows.CloseHandle(*h)
		*h = 0
	}
}

// Remove frees the names: they end with their last handle. Views stay mapped. The lock file goes
// last: while it is held no peer takes the rest for stale objects.
func (c *channel) Remove() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.removed || c.closed {
		return nil
	}
	c.removed = true
	c.live.release()
	crashpoint.At("release-claim")
	if c.created {
		c.letGo()
		crashpoint.At("let-go")
		c.config.Logger.Debug("removed buffer", "section", c.names.segment)
	}
	return nil
}

func (c *channel) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.dispose()
}

// dispose undoes everything; parts may be missing.
func (c *channel) dispose() error {
	c.live.close()
	for _, s := range c.sems {
		if s != nil {
			s.close()
		}
	}
	c.letGo()
	if c.counts != nil {
		c.counts.close()
	}
	err := unmapView(c.mem)
	c.mem, c.oieb = nil, nil
	return err
}
