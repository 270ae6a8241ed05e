// Package inproc is a backend within one process: the twin of every platform's objects in plain
// Go. It serves programs that want one code path for both cases, and tests on every system. A
// [Machine] holds the buffers; a [Process] on it is a backend, with a PID, that can be killed.
package inproc

import (
	"fmt"
	"sync"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Machine is a set of buffers by name, and of processes that see them.
type Machine struct {
	mu      sync.Mutex
	buffers map[string]*buffer
	alive   map[uint64]bool
	watches map[*watch]bool
	lastPID uint64
}

// NewMachine returns a machine without buffers and processes.
func NewMachine() *Machine {
	return &Machine{
		buffers: map[string]*buffer{},
		alive:   map[uint64]bool{},
		watches: map[*watch]bool{},
	}
}

// New returns a process on a machine of its own, for programs that need just one.
func New() *Process { return NewMachine().Process() }

// Process starts a process on the machine.
func (m *Machine) Process() *Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastPID++
	m.alive[m.lastPID] = true
	return &Process{machine: m, pid: m.lastPID}
}

// Process is a backend. It is safe for concurrent use.
type Process struct {
	machine *Machine
	pid     uint64
}

var _ driver.Backend = (*Process)(nil)

// Name returns "inproc".
func (p *Process) Name() string { return "inproc" }

// PID is the number of the process on its machine.
func (p *Process) PID() uint64 { return p.pid }

// Kill ends the process as SIGKILL would: its claims are gone, and what it has written stays. Its
// channels must not be used any more.
func (p *Process) Kill() {
	m := p.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.alive, p.pid)
	for _, b := range m.buffers {
		for role, c := range b.claims {
			if c != nil && c.process == p {
				b.claims[role] = nil
			}
		}
	}
	for w := range m.watches {
		if w.pid == p.pid {
			delete(m.watches, w)
			w.calls.Go(w.died)
		}
	}
}

// Create makes a buffer; see [driver.Backend].
func (p *Process) Create(name string, config driver.Config) (driver.Channel, error) {
	if err := driver.CheckName(name); err != nil {
		return nil, err
	}
	m := p.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.buffers[name]; old != nil {
		if pid, live := old.reader(m); live {
			return nil, fmt.Errorf("%w with PID %d", driver.ErrReaderConnected, pid)
		}
	}
	b, err := newBuffer(config, p.pid)
	if err != nil {
		return nil, err
	}
	c := &channel{process: p, buffer: b, name: name, owner: true}
	b.claims[driver.Reader] = c
	m.buffers[name] = b
	return c, nil
}

// Open opens a buffer; see [driver.Backend].
func (p *Process) Open(name string, _ driver.Config) (driver.Channel, error) {
	if err := driver.CheckName(name); err != nil {
		return nil, err
	}
	m := p.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buffers[name]
	if b == nil {
		return nil, fmt.Errorf("%w: no reader on this machine has created it", driver.ErrNotFound)
	}
	return &channel{process: p, buffer: b, name: name}, nil
}
