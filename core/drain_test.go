package zerobuffer_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestFullRingIsCountedUnread leaves a frame unread that fills the ring: the positions are the same
// as those of an empty one.
func TestFullRingIsCountedUnread(t *testing.T) {
	t.Parallel()
	for name, leave := range leaves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
			g.write(g.w.MaxFrameSize(), 'f')
			leave(g)
			err := g.w.WaitDrained(t.Context())
			gone, ok := errors.AsType[*zerobuffer.ReaderGoneError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, uint64(1), gone.Unread)
			_, err = g.w.TryWriteFrame([]byte{1})
			require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
			require.Equal(t, uint64(1), g.w.Stats().FramesLost)
		})
	}
}
