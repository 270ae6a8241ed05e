package zerobuffer_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// replacedBackend opens a buffer that is replaced by a new reader before the writer is through.
type replacedBackend struct {
	driver.Backend
	opens    int
	replaced func(driver.Channel) driver.Channel
}

func (b *replacedBackend) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Open(name, config)
	if b.opens++; b.opens == 1 && err == nil {
		return b.replaced(ch), nil
	}
	return ch, err
}

type replacedChannel struct{ driver.Channel }

func (replacedChannel) Check() error {
	return fmt.Errorf("%w: a test did it", driver.ErrSegmentRemoved)
}

// leftover is a channel whose reader seems to live at the first look only.
type leftover struct {
	driver.Channel
	live driver.Liveness
}

func (l leftover) Liveness() driver.Liveness { return l.live }

type brieflyAlive struct {
	driver.Liveness
	looks int
}

func (b *brieflyAlive) Alive(role driver.Role, pid uint64) bool {
	b.looks++
	return b.looks == 1 && b.Liveness.Alive(role, pid)
}

// TestOpenWriterReplaced checks that a writer waits for the new reader when the segment that it
// has opened is the leftover of a dead one, which the new reader is just replacing.
func TestOpenWriterReplaced(t *testing.T) {
	cases := map[string]struct {
		replaced func(driver.Channel) driver.Channel
		want     error
	}{
		"before the check": {
			func(ch driver.Channel) driver.Channel { return replacedChannel{ch} },
			zerobuffer.ErrSegmentRemoved,
		},
		"after the check": {
			func(ch driver.Channel) driver.Channel {
				return leftover{ch, &brieflyAlive{Liveness: ch.Liveness()}}
			},
			zerobuffer.ErrReaderDead,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			machine := inproc.NewMachine()
			r, err := zerobuffer.NewReader(machine.Process(), "replaced", nil)
			require.NoError(t, err)
			defer r.Close()
			b := &replacedBackend{Backend: machine.Process(), replaced: c.replaced}
			_, err = zerobuffer.NewWriter(b, "replaced", nil)
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, err, zerobuffer.ErrNotReady)
			b.opens = 0
			w, err := zerobuffer.OpenWriter(context.Background(), b, "replaced", nil)
			require.NoError(t, err)
			require.Equal(t, 2, b.opens)
			require.NoError(t, w.Close())
		})
	}
}

// TestWriterReplacedInBatch has another writer take over in the middle of a batch. What was not
// published until then is not written over what that one may have written.
func TestWriterReplacedInBatch(t *testing.T) {
	t.Parallel()
	b := &hookedBackend{}
	var died func()
	b.onWatch = func(f func()) func() { died = f; return nil }
	g := newHookedRig(t, b, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{})
	o, other := g.oieb(), g.Process().PID()
	looks := 0
	b.isAlive = func(role driver.Role, alive bool) bool {
		if role == driver.Reader {
			died() // look once more at the next frame
			if looks++; looks == 2 {
				o.WriterPID.Store(other)
			}
		}
		return alive
	}
	died()
	n, err := g.w.WriteBatch(t.Context(), [][]byte{{1}, {2}, {3}})
	require.ErrorIs(t, err, zerobuffer.ErrWriterReplaced)
	require.Equal(t, 1, n)
	require.Equal(t, uint64(1), g.w.FramesWritten())
	require.Equal(t, uint64(1), g.w.BytesWritten())
	require.Equal(t, uint64(layout.HeaderSize+1), o.WritePos.Load())
	g.requireUnchanged(func() { require.NoError(t, g.w.Close()) })
}

// TestWriterReplacedByOneThatHasGone has another writer come, write a frame and close between two
// calls. There is nobody in the way any more, but going on would write over that frame.
func TestWriterReplacedByOneThatHasGone(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(84, 'a')
	o, ring := g.oieb(), g.payload()
	const total = 84 + layout.HeaderSize
	layout.WriteSize(ring[total:], 84)
	layout.WriteSeq(ring[total:], 2)
	copy(ring[total+layout.HeaderSize:], "theirs")
	o.WritePos.Store(2 * total)
	o.PayloadFree.Store(1024 - 2*total)
	require.NoError(t, g.raw().DataReady().Post(1))
	o.WriterPID.Store(0)
	g.requireUnchanged(func() {
		for range 2 {
			_, err := g.w.TryWriteFrame([]byte("ours"))
			require.ErrorIs(t, err, zerobuffer.ErrWriterReplaced)
		}
		require.NoError(t, g.w.Close())
	})
	g.readRelease(1)
	require.Equal(t, "theirs", string(g.read().Bytes()[:6]))
}
