package zerobuffer_test

import (
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

// spyBackend is the in-process backend with an eye on how it is used. In-process memory is never
// unmapped, so what would crash elsewhere is counted here.
type spyBackend struct {
	machine *inproc.Machine
	posts   atomic.Int64  // calls of Post
	opens   atomic.Int64  // calls of Open
	removed atomic.Int64  // channels that were removed
	closed  atomic.Int64  // channels that were closed
	misuse  atomic.Int64  // uses after Close, and second Closes
	wakes   atomic.Int64  // calls of Wake
	gate    chan struct{} // unless nil, the first Wake waits for it to be closed
	onWait  func()        // unless nil, called before each Wait
	onCheck func()        // unless nil, called before each Check
	onAlive func()        // unless nil, called before each Alive
	onPost  func() error  // unless nil, called before each Post, which ends with its error
}

func newSpyBackend() *spyBackend { return &spyBackend{machine: inproc.NewMachine()} }

// process starts a process that is watched.
func (b *spyBackend) process() driver.Backend {
	return &spyProcess{Process: b.machine.Process(), spy: b}
}

type spyProcess struct {
	*inproc.Process
	spy *spyBackend
}

func (p *spyProcess) Create(name string, config driver.Config) (driver.Channel, error) {
	return p.spy.wrap(p.Process.Create(name, config))
}

func (p *spyProcess) Open(name string, config driver.Config) (driver.Channel, error) {
	p.spy.opens.Add(1)
	return p.spy.wrap(p.Process.Open(name, config))
}

func (b *spyBackend) wrap(ch driver.Channel, err error) (driver.Channel, error) {
	if err != nil {
		return nil, err
	}
	return &spyChannel{Channel: ch, spy: b}, nil
}

type spyChannel struct {
	driver.Channel
	spy   *spyBackend
	ended atomic.Bool
}

// use counts a use that would touch memory that is no longer mapped.
func (c *spyChannel) use() {
	if c.ended.Load() {
		c.spy.misuse.Add(1)
	}
}

func (c *spyChannel) Memory() []byte { c.use(); return c.Channel.Memory() }

func (c *spyChannel) Check() error {
	c.use()
	if c.spy.onCheck != nil {
		c.spy.onCheck()
	}
	return c.Channel.Check()
}

func (c *spyChannel) Liveness() driver.Liveness {
	c.use()
	return &spyLiveness{Liveness: c.Channel.Liveness(), spy: c.spy}
}

type spyLiveness struct {
	driver.Liveness
	spy *spyBackend
}

func (l *spyLiveness) Alive(role driver.Role, pid uint64) bool {
	if l.spy.onAlive != nil {
		l.spy.onAlive()
	}
	return l.Liveness.Alive(role, pid)
}

func (c *spyChannel) DataReady() driver.Semaphore {
	return &spySemaphore{Semaphore: c.Channel.DataReady(), channel: c}
}

func (c *spyChannel) SpaceReady() driver.Semaphore {
	return &spySemaphore{Semaphore: c.Channel.SpaceReady(), channel: c}
}

func (c *spyChannel) Remove() error {
	c.use()
	c.spy.removed.Add(1)
	return c.Channel.Remove()
}

func (c *spyChannel) Close() error {
	if c.ended.Swap(true) {
		c.spy.misuse.Add(1)
	}
	c.spy.closed.Add(1)
	return c.Channel.Close()
}

type spySemaphore struct {
	driver.Semaphore
	channel *spyChannel
}

func (s *spySemaphore) Take(limit uint32) uint32 { s.channel.use(); return s.Semaphore.Take(limit) }

func (s *spySemaphore) Wait(limit uint32, timeout time.Duration) uint32 {
	s.channel.use()
	defer s.channel.use()
	if f := s.channel.spy.onWait; f != nil {
		f()
	}
	return s.Semaphore.Wait(limit, timeout)
}

func (s *spySemaphore) Post(n uint32) error {
	s.channel.use()
	s.channel.spy.posts.Add(1)
	if f := s.channel.spy.onPost; f != nil {
		if err := f(); err != nil {
			return err
		}
	}
	return s.Semaphore.Post(n)
}

func (s *spySemaphore) State() (tokens, waiters uint32) {
	s.channel.use()
	return s.Semaphore.State()
}

func (s *spySemaphore) Wake() {
	if spy := s.channel.spy; spy.wakes.Add(1) == 1 && spy.gate != nil {
		<-spy.gate
	}
	s.channel.use()
	s.Semaphore.Wake()
}
