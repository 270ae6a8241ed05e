package inproc

import (
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// buffer is what all channels of one name share.
type buffer struct {
	mem    []byte
	data   *semaphore
	space  *semaphore
	claims [2]*channel // by role, guarded by Machine.mu
}

func newBuffer(config driver.Config, pid uint64) (*buffer, error) {
	mem, err := alignedBytes(config.Size)
	if err != nil {
		return nil, err
	}
	if err := config.Format(mem, pid); err != nil {
		return nil, err
	}
	return &buffer{mem: mem, data: newSemaphore(), space: newSemaphore()}, nil
}

// reader returns the PID of the reader and whether it lives. Machine.mu is held.
func (b *buffer) reader(m *Machine) (uint64, bool) {
	o, err := layout.View(b.mem)
	if err != nil {
		return 0, false
	}
	pid := o.ReaderPID.Load()
	return pid, b.claims[driver.Reader] != nil || m.alive[pid]
}

// channel is one side's hold on a buffer.
type channel struct {
	process *Process
	buffer  *buffer
	name    string
	owner   bool
}

var (
	_ driver.Channel  = (*channel)(nil)
	_ driver.Liveness = (*channel)(nil)
)

func (c *channel) Memory() []byte               { return c.buffer.mem }
func (c *channel) Maps(addr uintptr) bool       { return driver.Within(c.buffer.mem, addr) }
func (c *channel) DataReady() driver.Semaphore  { return c.buffer.data }
func (c *channel) SpaceReady() driver.Semaphore { return c.buffer.space }
func (c *channel) Liveness() driver.Liveness    { return c }
func (c *channel) PID() uint64                  { return c.process.pid }

// Tune can do nothing for memory that belongs to the Go runtime.
func (c *channel) Tune(o driver.MemoryOptions) driver.MemoryStatus {
	return driver.MemorySteps{}.Tune(o)
}

func (c *channel) Check() error {
	m := c.process.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buffers[c.name] != c.buffer {
		return fmt.Errorf("%w: another buffer has its name, or its reader has closed it",
			driver.ErrSegmentRemoved)
	}
	return nil
}

func (c *channel) Remove() error {
	m := c.process.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	for role, claim := range c.buffer.claims {
		if claim == c {
			c.buffer.claims[role] = nil
		}
	}
	if c.owner && m.buffers[c.name] == c.buffer {
		delete(m.buffers, c.name)
	}
	return nil
}

// Close has nothing to unmap: the garbage collector takes the memory.
func (c *channel) Close() error { return nil }

func (c *channel) Claim(role driver.Role) error {
	m := c.process.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	switch claim := c.buffer.claims[role]; {
	case claim == nil:
		c.buffer.claims[role] = c
		return nil
	case role == driver.Reader:
		return fmt.Errorf("%w with PID %d", driver.ErrReaderConnected, claim.process.pid)
	default:
		return fmt.Errorf("%w with PID %d", driver.ErrWriterConnected, claim.process.pid)
	}
}

func (c *channel) Disclaim(role driver.Role) {
	m := c.process.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.buffer.claims[role] == c {
		c.buffer.claims[role] = nil
	}
}

func (c *channel) Ours(role driver.Role) bool {
	m := c.process.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	return c.buffer.claims[role] != nil
}

func (c *channel) Alive(role driver.Role, pid uint64) bool {
	m := c.process.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	claim := c.buffer.claims[role]
	return claim != nil && claim != c || m.alive[pid]
}
