package zerobuffer_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// hookedBackend calls functions of a test where the writer calls its channel.
type hookedBackend struct {
	driver.Backend
	onOpen  func()                         // before each Open
	onTune  func() zerobuffer.MemoryStatus // instead of each Tune
	onWatch func(died func()) func()       // instead of each Watch
	onOurs  func()                         // before each Ours
	isAlive func(driver.Role, bool) bool   // what Alive returns
	foreign bool                           // the peer is a program of another language
	removed atomic.Bool                    // the name leads to nothing
	opened  atomic.Int64                   // calls of Open
}

func (b *hookedBackend) Open(name string, config driver.Config) (driver.Channel, error) {
	b.opened.Add(1)
	if b.onOpen != nil {
		b.onOpen()
	}
	if b.removed.Load() {
		return nil, driver.ErrNotFound
	}
	ch, err := b.Backend.Open(name, config)
	if err != nil {
		return nil, err
	}
	return &hookedChannel{ch, b}, nil
}

type hookedChannel struct {
	driver.Channel
	hooks *hookedBackend
}

func (c *hookedChannel) Tune(o driver.MemoryOptions) driver.MemoryStatus {
	if c.hooks.onTune != nil {
		return c.hooks.onTune()
	}
	return c.Channel.Tune(o)
}

func (c *hookedChannel) Check() error {
	if c.hooks.removed.Load() {
		return driver.ErrSegmentRemoved
	}
	return c.Channel.Check()
}

func (c *hookedChannel) Liveness() driver.Liveness {
	return &hookedLiveness{c.Channel.Liveness(), c.hooks}
}

type hookedLiveness struct {
	driver.Liveness
	hooks *hookedBackend
}

func (l *hookedLiveness) Alive(role driver.Role, pid uint64) bool {
	alive := l.Liveness.Alive(role, pid)
	if l.hooks.isAlive != nil {
		alive = l.hooks.isAlive(role, alive)
	}
	return alive
}

func (l *hookedLiveness) Ours(role driver.Role) bool {
	if l.hooks.onOurs != nil {
		l.hooks.onOurs()
	}
	return !l.hooks.foreign && l.Liveness.Ours(role)
}

func (l *hookedLiveness) Watch(pid uint64, died func()) (stop func()) {
	if l.hooks.onWatch != nil {
		return l.hooks.onWatch(died)
	}
	return l.Liveness.Watch(pid, died)
}

// newHookedRig is a rig whose writer goes through b, and uses nothing after it was closed.
func newHookedRig(
	t *testing.T, b *hookedBackend, ro zerobuffer.ReaderOptions, wo zerobuffer.WriterOptions,
) *rig {
	t.Helper()
	g := newReaderRig(t, ro)
	g.writerP = g.Process()
	spy := &spyBackend{machine: g.Machine}
	t.Cleanup(func() { require.Zero(t, spy.misuse.Load(), "used after it was unmapped") })
	b.Backend = &spyProcess{Process: g.writerP, spy: spy}
	wo.Logger = g.wlog.logger()
	w, err := zerobuffer.NewWriter(b, bufferName, &wo)
	require.NoError(t, err)
	g.w = w
	return g
}
