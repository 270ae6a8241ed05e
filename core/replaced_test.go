package zerobuffer_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
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
