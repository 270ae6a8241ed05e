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
	opens int
}

func (b *replacedBackend) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Open(name, config)
	if b.opens++; b.opens == 1 && err == nil {
		return replacedChannel{ch}, nil
	}
	return ch, err
}

type replacedChannel struct{ driver.Channel }

func (replacedChannel) Check() error {
	return fmt.Errorf("%w: a test did it", driver.ErrSegmentRemoved)
}

// TestOpenWriterReplaced checks that a writer waits for the new reader when the segment that it
// has opened is the leftover of a dead one, which the new reader is just replacing.
func TestOpenWriterReplaced(t *testing.T) {
	machine := inproc.NewMachine()
	r, err := zerobuffer.NewReader(machine.Process(), "replaced", nil)
	require.NoError(t, err)
	defer r.Close()
	b := &replacedBackend{Backend: machine.Process()}
	_, err = zerobuffer.NewWriter(b, "replaced", nil)
	require.ErrorIs(t, err, zerobuffer.ErrSegmentRemoved)
	require.ErrorIs(t, err, zerobuffer.ErrNotReady)
	b.opens = 0
	w, err := zerobuffer.OpenWriter(context.Background(), b, "replaced", nil)
	require.NoError(t, err)
	require.Equal(t, 2, b.opens)
	require.NoError(t, w.Close())
}
