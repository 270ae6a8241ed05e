package winshm

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const (
	// busyGrace is how long objects may take to vanish whose reader is gone: a writer of ours
	// lets go of them at its next look, within 200 ms.
	busyGrace = 600 * time.Millisecond
	// halfMadeGrace is how long a reader may take to fill in the segment that it has made.
	halfMadeGrace = 800 * time.Millisecond
	busyPause     = 2 * time.Millisecond
)

// busyError says that an object is in the way that may vanish soon.
type busyError struct {
	grace time.Duration
	err   error
}

func (e *busyError) Error() string { return e.err.Error() }
func (e *busyError) Unwrap() error { return e.err }

// create makes a buffer in the order of the wire contract, section 5: lock file, a look at the
// section, semaphores, the section, and the reader's PID last. A section is visible when it is
// made; until it has a PID, who opens it is told to try again.
func (b *Backend) create(name string, config driver.Config) (driver.Channel, error) {
	names, err := namesOf(name, &b.opts)
	if err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	notePermissions(&config)
	sa, err := b.security()
	if err != nil {
		return nil, fmt.Errorf("create buffer %q: %w", name, err)
	}
	if err := checkSpace(config.Size, layout.OIEBSize); err != nil {
		return nil, fmt.Errorf("create buffer %q: %w", name, err)
	}
	lock, err := b.acquireLock(&names, &config)
	if err != nil {
		return nil, fmt.Errorf("create buffer %q: %w%s: %w", name, driver.ErrReaderConnected,
			readerOf(&names), err)
	}
	for start := time.Now(); ; time.Sleep(busyPause) {
		c := &channel{
			names: names, name: utf16Name(names.segment), config: config, created: true,
			live: newLiveness(&names, sa, config.Logger),
		}
		err := c.make(sa)
		if err == nil {
			c.lock = lock
			config.Logger.Debug("created buffer", "section", names.segment, "size", len(c.mem))
			return c, nil
		}
		_ = c.dispose()
		var busy *busyError
		if !errors.As(err, &busy) || time.Since(start) > busy.grace {
			_ = windows.CloseHandle(lock)
			return nil, fmt.Errorf("create buffer %q: %w", name, err)
		}
	}
}

// make makes everything but the lock file. After an error the caller disposes of the channel.
func (c *channel) make(sa *windows.SecurityAttributes) error {
	if err := lookAtOld(&c.names); err != nil {
		return err
	}
	for i, name := range c.names.sems {
		var err error
		if c.sems[i], err = makeSemaphore(name, sa); err != nil {
			return leftover("semaphore", name, err)
		}
		crashpoint.At("make-semaphore")
	}
	if err := c.live.Claim(driver.Reader); errors.Is(err, driver.ErrReaderConnected) {
		return &busyError{busyGrace, err}
	} else if err != nil {
		return err
	}
	crashpoint.At("claim")
	if err := c.live.closing.make(c.names.closing, sa); err != nil {
		return err
	}
	crashpoint.At("make-closing")
	var err error
	if c.counts, err = makeCounts(c.names.waits, sa); err != nil {
		return err
	}
	crashpoint.At("make-counts")
	c.finish()
	c.section, err = makeSection(c.names.segment, c.config.Size, sa)
	if err != nil {
		return leftover("section", c.names.segment, spaceError(err, c.config.Size))
	}
	crashpoint.At("make-section")
	if c.mem, err = mapView(c.section, readWrite, c.config.Size); err != nil {
		return fmt.Errorf("map section %s: %w", c.names.segment, spaceError(err, c.config.Size))
	}
	if c.config.Format != nil {
		err = c.config.Format(c.mem, uint64(os.Getpid()))
		crashpoint.At("format")
	}
	if err == nil {
		c.oieb, err = layout.View(c.mem)
	}
	return err
}

// leftover turns the error of making an object that exists into a busyError.
func leftover(kind, name string, err error) error {
	if !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return makeError(kind, name, err)
	}
	return &busyError{busyGrace, fmt.Errorf("%s %s is still open in another process although its "+
		"reader is gone (%w): end the old writer or let it close", kind, name, fs.ErrExist)}
}

// lookAtOld returns an error if there is a section of that name. If its reader lives, it is not
// touched and the error matches [driver.ErrReaderConnected].
func lookAtOld(n *objectNames) error {
	h, err := openFileMapping(readOnly, false, utf16Name(n.segment))
	if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return nil
	}
	if err != nil {
		return openError("look at", "section", n.segment, err)
	}
	defer func() { _ = windows.CloseHandle(h) }()
	mem, err := mapView(h, readOnly, layout.OIEBSize)
	if err != nil {
		return fmt.Errorf("look at section %s: %w (%w)", n.segment, err, fs.ErrExist)
	}
	defer func() { _ = unmapView(mem) }()
	o, err := layout.View(mem)
	if err != nil {
		return err
	}
	return judge(n, o)
}

// judge says what is to be done about the section that is in the way. It always returns an error.
func judge(n *objectNames, o *layout.OIEB) error {
	size, reader, writer := o.Size.Load(), o.ReaderPID.Load(), o.WriterPID.Load()
	switch {
	case size != 0 && size != layout.OIEBSize:
		return fmt.Errorf("section %s is one of another program, no ZeroBuffer segment (%w); choose "+
			"another name", n.segment, fs.ErrExist)
	case claimed(utf16Name(n.claims[driver.Reader])):
		// Who looks at a claim holds it for a moment after its owner.
		return &busyError{claimPatience, fmt.Errorf("%w: process %d; stop it or choose another name",
			driver.ErrReaderConnected, reader)}
	case reader != 0 && aliveProcess(reader):
		return fmt.Errorf("%w: process %d; stop it or choose another name",
			driver.ErrReaderConnected, reader)
	case reader == 0 && size == 0:
		return &busyError{halfMadeGrace, fmt.Errorf("%w: section %s is being made, or has never "+
			"been finished", driver.ErrReaderConnected, n.segment)}
	case writer != 0 && aliveProcess(writer):
		return &busyError{busyGrace, fmt.Errorf("the reader (process %d) is gone, but its writer, "+
			"process %d, still has section %s open (%w): end process %d or let it close the buffer",
			reader, writer, n.segment, fs.ErrExist, writer)}
	}
	return &busyError{busyGrace, fmt.Errorf("the reader (process %d, 0 if it has closed) is gone, "+
		"but another process still has section %s open (%w): end it or choose another name",
		reader, n.segment, fs.ErrExist)}
}

// readerOf names the reader's process in the words of an error, if there is a segment.
func readerOf(n *objectNames) string {
	if err := lookAtOld(n); err != nil {
		return " (" + err.Error() + ")"
	}
	return ", or just about to be"
}
