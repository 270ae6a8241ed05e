package posixshm

import (
	"fmt"
	"io/fs"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

// open opens a buffer. Whatever is in its place, nothing is changed.
func (b *Backend) open(name string, config driver.Config) (driver.Channel, error) {
	if err := driver.CheckName(name); err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	path := b.segmentPath(name)
	fd, err := open(path)
	if err == unix.ENOENT {
		return nil, b.notFound(name)
	}
	if err != nil {
		return nil, openError(path, err, fs.ErrInvalid, driver.ErrNotReady)
	}
	c := &channel{
		path: path, name: newPathName(path), fd: fd, config: config, paths: b.semPaths(name),
	}
	if err := c.mapSegment(); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	format := c.paths.recognise(readHeader(fd).readerPID, c.owner)
	for i, path := range c.paths[format.library] {
		m, err := openSemaphore(format, path, c.owner)
		if err != nil {
			if askLease(fd) == leaseGranted {
				err = fmt.Errorf("open %s: %w: a dead reader has left it, and %s",
					c.path, driver.ErrNotReady, err.Error())
			}
			c.giveUp()
			return nil, err
		}
		c.sems[i] = newSemaphore(format, &c.paths, i, m)
	}
	c.live = newLiveness(fd, c.id, false, config.Logger)
	crashpoint.At("opened")
	opens.add(c.id, 1)
	config.Logger.Debug("opened buffer", "path", c.path, "size", len(c.mem),
		"semaphores", format.library)
	return c, nil
}

// mapSegment checks and maps the segment of a channel that is being opened.
func (c *channel) mapSegment() error {
	var st unix.Stat_t
	if err := unix.Fstat(c.fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: c.path, Err: err}
	}
	switch h := readHeader(c.fd); {
	case !isRegular(&st):
		return notRegular(c.path, &st, fs.ErrInvalid)
	case st.Nlink == 0:
		return fmt.Errorf("open %s: %w: its reader has just removed it", c.path, driver.ErrNotReady)
	case h.foreign && !c.paths.anyOf(st.Uid): // else its reader, or another program, knows more
		return fmt.Errorf("open %s: %w: it does not start with oieb_size %d",
			c.path, layout.ErrIncompatible, layout.OIEBSize)
	case st.Size < layout.OIEBSize:
		return fmt.Errorf("open %s: %w: it has %d bytes, less than the OIEB's %d; its reader is "+
			"still busy, or it was truncated", c.path, driver.ErrNotReady, st.Size, layout.OIEBSize)
	}
	mem, err := memory.Map(c.fd, uint64(st.Size))
	if err != nil {
		return fmt.Errorf("map %s: %w", c.path, err)
	}
	c.mem, c.id, c.owner = mem, idOf(&st), st.Uid
	return nil
}

// giveUp undoes a half-finished open.
func (c *channel) giveUp() {
	for _, s := range c.sems {
		if s != nil {
			_ = s.cur.Load().close()
		}
	}
	_ = memory.Unmap(c.mem)
	_ = unix.Close(c.fd)
}
