package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

// create makes a buffer in the order of the wire contract, section 5: lock files, a look at the
// segment, semaphores, the complete segment, a look at the semaphores' names.
func (b *Backend) create(name string, config driver.Config) (driver.Channel, error) {
	if err := driver.CheckName(name); err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if int(b.library) >= len(semFormats) {
		return nil, fmt.Errorf("create buffer %q with the semaphores of %v: %w; choose Glibc or Musl",
			name, b.library, fs.ErrInvalid)
	}
	ls, err := b.acquireLocks(name, &config)
	if errors.Is(err, errLockHeld) {
		return nil, fmt.Errorf("create buffer %q: %w%s: %w", name, driver.ErrReaderConnected,
			b.readerOf(name), err)
	}
	if err != nil {
		return nil, err
	}
	path := b.segmentPath(name)
	c := &channel{
		path: path, name: newPathName(path), fd: -1, config: config, created: true, locks: ls,
		paths: b.semPaths(name),
	}
	if err := b.make(c, name); err != nil {
		c.abandon()
		return nil, err
	}
	opens.add(c.id, 1)
	config.Logger.Debug("created buffer", "path", c.path, "size", len(c.mem))
	return c, nil
}

// make fills in a channel whose lock files are held. After an error the caller abandons it.
func (b *Backend) make(c *channel, name string) error {
	if err := b.clearName(name, c.locks, &c.config); err != nil {
		return err
	}
	f, err := b.makeSegment(c)
	if err != nil {
		return err
	}
	defer f.done()
	if err := c.makeSemaphores(semFormats[b.library]); err != nil {
		return err
	}
	for range replaceTries {
		err = f.link(c.path)
		if err != unix.EEXIST {
			break
		}
		// Somebody without our lock files was faster; a live one stops us here.
		if err := b.clearName(name, c.locks, &c.config); err != nil {
			return err
		}
	}
	if err != nil {
		err = noSpace(err, c.config.Size, b.shmDir)
		return fmt.Errorf("link %s: %w", c.path, err)
	}
	for _, s := range c.sems {
		c.mendSemaphore(s)
	}
	crashpoint.At("created")
	return nil
}

// makeSemaphores makes both semaphores and removes those that a reader with another C library has
// left, which a writer would have to tell from the new ones.
func (c *channel) makeSemaphores(format *semFormat) error {
	for i, path := range c.paths[format.library] {
		m, err := makeSemaphore(format, path, &c.config)
		if err != nil {
			return err
		}
		c.sems[i] = newSemaphore(format, &c.paths, i, m)
	}
	for _, path := range c.paths[format.rival().library] {
		id, st, err := lookup(path)
		if err != nil || !isSemaphore(st) || !isOwn(st) {
			continue
		}
		if err := unlinkOwn(path, id); err != nil {
			c.config.Logger.Warn("cannot remove a semaphore that a reader with another C library "+
				"has left", "path", path, "error", err)
		}
	}
	return nil
}

// makeSegment makes the segment, formatted and claimed, without a name.
func (b *Backend) makeSegment(c *channel) (*file, error) {
	if c.config.Size < layout.OIEBSize {
		return nil, fmt.Errorf("create %s: size %d is less than %d: %w",
			c.path, c.config.Size, layout.OIEBSize, fs.ErrInvalid)
	}
	f, err := newFile(b.shmDir, &c.config)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", c.path, noSpace(err, c.config.Size, b.shmDir))
	}
	// From here on the channel owns the descriptor.
	c.fd, c.id = f.fd, f.id
	if err = reserve(f.fd, c.config.Size, b.shmDir); err == nil {
		c.mem, err = memory.Map(f.fd, c.config.Size)
	}
	if err == nil && c.config.Format != nil {
		err = c.config.Format(c.mem, uint64(os.Getpid()))
		crashpoint.At("format")
	}
	if err == nil {
		c.live = newLiveness(c.fd, c.id, true, c.config.Logger)
		err = c.live.Claim(driver.Reader)
	}
	if err != nil {
		f.done()
		return nil, fmt.Errorf("create %s: %w", c.path, err)
	}
	return f, nil
}

// abandon undoes what make has done so far. The segment has no name yet.
func (c *channel) abandon() {
	for _, s := range c.sems {
		if s != nil {
			_ = unlinkOwn(s.path, s.cur.Load().id)
			_ = s.cur.Load().close()
		}
	}
	if c.mem != nil {
		_ = memory.Unmap(c.mem)
	}
	if c.live != nil {
		c.live.close()
	}
	if c.fd >= 0 {
		_ = unix.Close(c.fd)
	}
	if _, err := c.name.lookup(); err == unix.ENOENT {
		_ = c.locks.remove()
	} else {
		c.locks.giveBack()
	}
}

// readerOf names the reader's process in the words of an error, if there is a segment.
func (b *Backend) readerOf(name string) string {
	fd, err := openNow(unix.AT_FDCWD, b.segmentPath(name), unix.O_RDONLY)
	if err != nil {
		return ""
	}
	defer func() { _ = unix.Close(fd) }()
	h := readHeader(fd)
	if !h.ready {
		return ", or just about to be"
	}
	return fmt.Sprintf(": process %d", h.readerPID)
}
