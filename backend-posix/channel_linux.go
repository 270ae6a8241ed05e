package posixshm

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

// maxRetired bounds how many exchanged semaphores a channel keeps mapped.
const maxRetired = 64

// namedSemaphore is a semaphore and the name under which it was made or opened.
type namedSemaphore struct {
	semaphore
	format  *semFormat
	path    string
	name    pathName  // of path
	retired []*semMap // exchanged, still mapped for a Wait in progress
	warned  bool

	// rival is the name in the format of the other C library, rivalID what it led to when Check
	// decided last which of them is in use.
	rival   pathName
	rivalID objectID
}

// newSemaphore returns semaphore i of a buffer: 0 for data ready, 1 for space ready.
func newSemaphore(format *semFormat, paths *semPaths, i int, m *semMap) *namedSemaphore {
	s := &namedSemaphore{}
	s.setFormat(format, paths, i)
	s.cur.Store(m)
	return s
}

func (s *namedSemaphore) setFormat(format *semFormat, paths *semPaths, i int) {
	s.format = format
	s.path = paths[format.library][i]
	s.name = newPathName(s.path)
	s.rival = newPathName(paths[format.rival().library][i])
}

// channel is the [driver.Channel] of both sides.
type channel struct {
	path    string
	name    pathName // of path
	fd      int      // of the segment; it carries the claims
	id      objectID
	owner   uint32 // user of the segment, on the side that opened it
	mem     []byte
	paths   semPaths           // of the semaphores, made or not
	sems    [2]*namedSemaphore // data ready, space ready
	live    *liveness
	config  driver.Config
	created bool
	locks   *locks // of the side that created, else nil

	mu              sync.Mutex
	removed, closed bool
}

var _ driver.Channel = (*channel)(nil)

func (c *channel) Memory() []byte               { return c.mem }
func (c *channel) DataReady() driver.Semaphore  { return &c.sems[0].semaphore }
func (c *channel) SpaceReady() driver.Semaphore { return &c.sems[1].semaphore }
func (c *channel) Liveness() driver.Liveness    { return c.live }

func (c *channel) Maps(addr uintptr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if driver.Within(c.mem, addr) {
		return true
	}
	for _, s := range c.sems {
		for _, m := range append(s.retired, s.cur.Load()) {
			if driver.Within(m.mem, addr) {
				return true
			}
		}
	}
	return false
}

// Tune leaves the file alone: both sides may have it mapped.
func (c *channel) Tune(o driver.MemoryOptions) driver.MemoryStatus {
	return memory.Tune(c.mem, o)
}

func (c *channel) Check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return fmt.Errorf("check %s: %w", c.path, os.ErrClosed)
	case c.removed:
		return nil
	}
	if err := c.checkSegment(); err != nil {
		return err
	}
	for i, s := range c.sems {
		if c.created {
			c.mendSemaphore(s)
		} else {
			c.judgeRival(s, i)
			c.followSemaphore(s)
		}
	}
	if c.created {
		c.locks.mend(&c.config)
	}
	return nil
}

// checkSegment tells what has become of the segment's name and size.
func (c *channel) checkSegment() error {
	var st unix.Stat_t
	if err := unix.Fstat(c.fd, &st); err == nil && st.Size < int64(len(c.mem)) {
		return fmt.Errorf("%w: another program has cut %s from %d to %d bytes",
			driver.ErrSegmentTruncated, c.path, len(c.mem), st.Size)
	}
	id, err := c.name.lookup()
	switch {
	case err == nil && id == c.id:
		return nil
	case err == nil:
		return fmt.Errorf("%w: %s is another object now; look for a program that makes or copies a "+
			"file of that name, or a second reader that does not see this one's lock files (another "+
			"/tmp)", driver.ErrSegmentRemoved, c.path)
	case err != unix.ENOENT:
		return fmt.Errorf("look at %s: %w", c.path, err)
	case c.created:
		return fmt.Errorf("%w: %s is gone; %s", driver.ErrSegmentRemoved, c.path, whoRemoves)
	}
	return fmt.Errorf("%w: %s is gone; if its reader has not closed or died, %s",
		driver.ErrSegmentRemoved, c.path, whoRemoves)
}

// whoRemoves is where to look for who has removed an object that is in use.
const whoRemoves = "look for systemd-logind (RemoveIPC=yes removes the objects of a user who " +
	"logs out), the resource tracker of Python's multiprocessing, or somebody's rm"

// mendSemaphore makes a semaphore again whose name another program has removed or taken. A file
// without a name cannot get one again, so it is a new file; tokens move over. A writer of ours
// follows at its next Check, and until then its tokens are fetched from the old file. A writer of
// another language never looks again, so towards that the old file stays in use.
func (c *channel) mendSemaphore(s *namedSemaphore) {
	for _, old := range s.retired {
		if n := old.Take(futex.MaxValue); n > 0 {
			_ = s.Post(n)
		}
	}
	if s.name.leadsTo(s.cur.Load().id) {
		return
	}
	o, err := layout.View(c.mem)
	foreign := err == nil && o.WriterPID.Load() != 0 && !c.live.Ours(driver.Writer)
	if foreign || len(s.retired) >= maxRetired {
		if !s.warned {
			s.warned = true
			c.config.Logger.Warn("semaphore was removed by another program: the connected writer "+
				"goes on, a new one cannot connect", "path", s.path)
		}
		return
	}
	next, err := makeSemaphore(s.format, s.path, &c.config)
	if err != nil {
		c.config.Logger.Debug("semaphore is gone and cannot be made again yet",
			"path", s.path, "error", err)
		return
	}
	c.config.Logger.Info("semaphore was removed by another program and made again",
		"path", s.path)
	_ = next.Post(s.cur.Load().Take(futex.MaxValue))
	s.retired = append(s.retired, s.exchange(next))
}

// judgeRival decides anew whose semaphores the reader uses when there are others than before with
// the names of the other C library: those that were opened may have been leftovers.
func (c *channel) judgeRival(s *namedSemaphore, i int) {
	rival, err := s.rival.lookup()
	if err != nil || rival == s.rivalID {
		return
	}
	s.rivalID = rival
	o, err := layout.View(c.mem)
	if err != nil {
		return
	}
	if format := c.paths.recognise(o.ReaderPID.Load(), c.owner); format != s.format {
		c.config.Logger.Info("the semaphores in use are those of another C library",
			"path", s.path, "instead", s.rival.text)
		s.setFormat(format, &c.paths, i)
	}
}

// followSemaphore opens a semaphore anew that the reader has replaced.
func (c *channel) followSemaphore(s *namedSemaphore) {
	id, err := s.name.lookup()
	if err != nil || id == s.cur.Load().id || len(s.retired) >= maxRetired {
		return
	}
	next, err := openSemaphore(s.format, s.path, c.owner)
	if err != nil {
		c.config.Logger.Debug("semaphore was replaced and cannot be opened yet",
			"path", s.path, "error", err)
		return
	}
	c.config.Logger.Info("semaphore was replaced by the reader and opened again", "path", s.path)
	s.retired = append(s.retired, s.exchange(next))
}

// Remove takes the names away in the reverse order of Create, the lock files last: while they are
// held no peer takes the rest for stale objects.
func (c *channel) Remove() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.removed || c.closed {
		return nil
	}
	c.removed = true
	var errs []error
	if c.created {
		errs = append(errs, unlinkOwn(c.path, c.id))
		for _, s := range c.sems {
			errs = append(errs, unlinkOwn(s.path, s.cur.Load().id))
		}
		errs = append(errs, c.locks.remove())
		c.config.Logger.Debug("removed buffer", "path", c.path)
	}
	c.live.release()
	return errors.Join(errs...)
}

func (c *channel) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.live.close()
	opens.add(c.id, -1)
	errs := []error{memory.Unmap(c.mem)}
	c.mem = nil
	for _, s := range c.sems {
		errs = append(errs, s.cur.Load().close())
		for _, old := range s.retired {
			errs = append(errs, old.close())
		}
	}
	if c.locks != nil {
		c.locks.close()
	}
	return errors.Join(append(errs, unix.Close(c.fd))...)
}
