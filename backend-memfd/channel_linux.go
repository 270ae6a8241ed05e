package memfdshm

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// owner is the channel of the reader, who has made the buffer. What it tells of others it knows
// from their connections.
type owner struct {
	*segment
	server   *server
	listener *listener // nil if it listens nowhere
	backend  *Backend
	name     string

	mu      sync.Mutex
	removed bool
	closed  bool
}

var (
	_ driver.Channel  = (*owner)(nil)
	_ driver.Liveness = (*owner)(nil)
)

// where names the place for the log.
func (o *owner) where() string {
	if o.listener == nil {
		return "none"
	}
	return o.listener.place.String()
}

func (o *owner) Liveness() driver.Liveness { return o }

func (o *owner) Check() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return fmt.Errorf("check buffer %q: %w", o.name, os.ErrClosed)
	case o.removed:
		return nil
	case o.server.abandoned():
		return fmt.Errorf("%w: the other end of the joined socket is closed, so nobody can come",
			driver.ErrSegmentRemoved)
	case o.listener == nil:
		return nil
	}
	return o.listener.check()
}

func (o *owner) Remove() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.removed {
		return nil
	}
	o.removed = true
	o.backend.state.made.remove(o.name, o.server)
	var err error
	if o.listener != nil {
		err = o.listener.remove()
	}
	o.server.stop()
	return err
}

func (o *owner) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	return errors.Join(o.unmap(), o.server.close())
}

func (o *owner) PID() uint64 { return uint64(os.Getpid()) }

func (o *owner) Claim(role driver.Role) error {
	if !o.server.claim(role, o.server) {
		return claimed(role, 0)
	}
	return nil
}

func (o *owner) Disclaim(role driver.Role)  { o.server.release(role, o.server) }
func (o *owner) Ours(role driver.Role) bool { return o.server.ours(role) }

func (o *owner) Alive(role driver.Role, pid uint64) bool {
	return o.server.alive(role, pid, o.server)
}

func (o *owner) Watch(pid uint64, died func()) (stop func()) { return o.server.watch(pid, died) }

// guest is the channel of a side that has opened the buffer. It asks the reader's side about
// others, which costs a message and its answer.
type guest struct {
	*segment
	reader *reader
	name   string
	joined *joined // where it came from, nil for a connection of its own

	mu      sync.Mutex
	closed  bool
	claimed bool // it has, or had, a role
}

var (
	_ driver.Channel  = (*guest)(nil)
	_ driver.Liveness = (*guest)(nil)
)

func (g *guest) Liveness() driver.Liveness { return g }

// Check finds the buffer gone when its reader has closed the connection, or was killed.
func (g *guest) Check() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return fmt.Errorf("check buffer %q: %w", g.name, os.ErrClosed)
	case g.reader.alive():
		return nil
	}
	return fmt.Errorf("%w: the reader of %q has closed it, or was killed",
		driver.ErrSegmentRemoved, g.name)
}

func (g *guest) Remove() error {
	g.Disclaim(driver.Writer)
	return nil
}

func (g *guest) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	if g.joined != nil && !g.claimed && g.joined.giveBack(g) {
		return nil
	}
	g.reader.end()
	return g.unmap()
}

func (g *guest) PID() uint64 { return uint64(os.Getpid()) }

func (g *guest) Claim(role driver.Role) error {
	yes, err := g.reader.query(message{kind: kindClaim, role: role})
	switch {
	case err != nil:
		return fmt.Errorf("claim the role of the %v: %w: %w", role, driver.ErrNotReady, err)
	case !yes:
		return claimed(role, g.reader.pid)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.claimed = true
	return nil
}

// claimed is the error for a role that somebody has.
func claimed(role driver.Role, pid uint64) error {
	switch {
	case role == driver.Writer:
		return driver.ErrWriterConnected
	case pid == 0:
		return driver.ErrReaderConnected
	}
	return fmt.Errorf("%w with PID %d", driver.ErrReaderConnected, pid)
}

// Disclaim tells the reader's side. If that does not answer there is nobody to whom it matters.
func (g *guest) Disclaim(role driver.Role) {
	_, _ = g.reader.query(message{kind: kindRelease, role: role})
}

// Ours takes everybody for a program of ours while the reader's side does not answer: nobody else
// speaks this handshake.
func (g *guest) Ours(role driver.Role) bool {
	yes, err := g.reader.query(message{kind: kindOurs, role: role})
	return yes || errors.Is(err, os.ErrDeadlineExceeded)
}

// Alive knows of the reader from the connection, and asks the reader's side about a writer. A
// reader that does not answer is stopped: then nobody is taken for dead.
func (g *guest) Alive(role driver.Role, pid uint64) bool {
	if role == driver.Reader {
		return pid == g.reader.pid && g.reader.alive()
	}
	yes, err := g.reader.query(message{kind: kindAlive, role: role, a: pid})
	return yes || errors.Is(err, os.ErrDeadlineExceeded)
}

func (g *guest) Watch(pid uint64, died func()) (stop func()) {
	if pid != g.reader.pid {
		return nil
	}
	return g.reader.watch(died)
}
