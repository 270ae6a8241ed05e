package winshm

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// open opens a buffer. Whatever is in its place, nothing of it is changed.
func (b *Backend) open(name string, config driver.Config) (driver.Channel, error) {
	names, err := namesOf(name, &b.opts)
	if err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	sa, err := b.security()
	if err != nil {
		return nil, fmt.Errorf("open buffer %q: %w", name, err)
	}
	h, err := openFileMapping(readWrite, false, utf16Name(names.segment))
	if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return nil, fmt.Errorf("open buffer %q: %w%s", name, driver.ErrNotFound,
			cmp.Or(b.elsewhere(name), "; start its reader first, in the same session"))
	}
	if err != nil {
		return nil, openError("open", "section", names.segment, err)
	}
	// The section is held until its semaphores are open, so that they cannot be those of a
	// successor. Later it is the reader alone who keeps the name.
	defer func() { _ = windows.CloseHandle(h) }()
	c := &channel{
		names: names, name: utf16Name(names.segment), config: config,
		live: newLiveness(&names, sa, config.Logger),
	}
	if err := c.attach(h, sa); err != nil {
		_ = c.dispose()
		if errors.Is(err, errNoSemaphore) {
			err = fmt.Errorf("%w%s", err, b.elsewhere(name))
		}
		return nil, fmt.Errorf("open buffer %q: %w", name, err)
	}
	config.Logger.Debug("opened buffer", "section", names.segment, "size", len(c.mem))
	return c, nil
}

// attach maps the section and opens what belongs to it.
func (c *channel) attach(section windows.Handle, sa *windows.SecurityAttributes) error {
	var err error
	if c.mem, err = mapView(section, readWrite, 0); err != nil {
		return fmt.Errorf("map section %s: %w", c.names.segment, err)
	}
	if c.oieb, err = layout.View(c.mem); err != nil {
		return fmt.Errorf("%w: %w", driver.ErrNotReady, err)
	}
	switch size, reader := c.oieb.Size.Load(), c.oieb.ReaderPID.Load(); {
	case size != 0 && size != layout.OIEBSize:
		return fmt.Errorf("%w: section %s does not start with oieb_size %d",
			layout.ErrIncompatible, c.names.segment, layout.OIEBSize)
	case size == 0 || reader == 0:
		return fmt.Errorf("%w: oieb_size is %d and reader_pid is %d", driver.ErrNotReady, size, reader)
	}
	for i, name := range c.names.sems {
		if c.sems[i], err = openExisting(name); err != nil {
			return err
		}
	}
	if err := c.live.closing.prepare(); err != nil {
		return err
	}
	if err := c.live.closing.open(c.names.closing); err != nil {
		c.config.Logger.Warn("cannot see at once that the reader closes", "error", err)
	}
	if c.counts, err = openCounts(c.names.waits, sa); err != nil {
		c.config.Logger.Warn("cannot count waiters with the other side", "error", err)
		c.counts = privateCounts()
	}
	c.finish()
	return nil
}

// elsewhere tells whether there is a buffer of that name with the names of other programs, or
// below Global\: a setting that differs is the usual reason. It is empty if there is none.
func (b *Backend) elsewhere(name string) string {
	var found []string
	own, _ := namesOf(name, &b.opts) // a good name: there is a buffer, or there could be
	for _, opts := range []Options{
		{Names: CSharp}, {Names: CSharp, Global: true}, {Names: Python}, {Names: CPP},
	} {
		n, err := namesOf(name, &opts)
		if err != nil || n == own || !n.exist() {
			continue
		}
		text := fmt.Sprintf("Names: %v", opts.Names)
		if opts.Global {
			text += ", Global: true"
		}
		found = append(found, text)
	}
	if len(found) == 0 {
		return ""
	}
	return ", but there is one with Options " + strings.Join(found, " or ") +
		"; both sides need the same names"
}

// exist tells whether the section and the semaphores of these names are there.
func (n *objectNames) exist() bool {
	section, noSection := openFileMapping(readOnly, false, utf16Name(n.segment))
	closeHandle(&section)
	sem, noSem := openSemaphore(windows.SYNCHRONIZE, false, utf16Name(n.sems[0]))
	closeHandle(&sem)
	for _, err := range []error{noSection, noSem} {
		if err != nil && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return false
		}
	}
	return true
}
