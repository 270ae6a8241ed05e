//go:build linux

package posixshm

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// cutNext is a backend whose segment is cut off to that size when it was opened, if cut is set.
type cutNext struct {
	*Backend
	cut  bool
	left int64
}

func (b *cutNext) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Open(name, config)
	if err == nil && b.cut {
		b.cut = false
		err = os.Truncate(b.segmentPath(name), b.left)
	}
	return ch, err
}

// TestTruncatedWhileReconnecting cuts off the new buffer while a Writer connects to it: that is the
// error of the call, and the Writer, which is in no buffer yet, goes on in the one after.
func TestTruncatedWhileReconnecting(t *testing.T) {
	for name, test := range map[string]struct {
		left int64
		want error
	}{
		"nothing":  {0, zerobuffer.ErrSegmentTruncated},
		"one page": {4096, zerobuffer.ErrIncompatible}, // which it is when it is looked at again
	} {
		t.Run(name, func(t *testing.T) {
			b := &cutNext{Backend: newBackend(t), left: test.left}
			g := &cutRig{b: b.Backend, name: newName(t, b.Backend)}
			reader := func() {
				var err error
				g.r, err = zerobuffer.NewReader(g.b, g.name,
					&zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
				require.NoError(t, err)
			}
			reader()
			var err error
			g.w, err = zerobuffer.NewWriter(b, g.name, &zerobuffer.WriterOptions{Reconnect: true})
			require.NoError(t, err)
			require.NoError(t, g.w.SetMetadata([]byte("caps")))
			require.NoError(t, g.r.Close())
			reader()
			mapped := g.mappings(t)
			b.cut = true
			err = g.w.WriteFrame(t.Context(), []byte("hello"))
			require.ErrorIs(t, err, test.want)
			require.ErrorIs(t, err, zerobuffer.ErrReaderClosed)
			if err := g.r.Close(); err != nil {
				require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
			}
			require.Zero(t, mapped(), "still mapped")
			reader()
			require.NoError(t, g.w.WriteFrame(t.Context(), []byte("hello")))
			f, err := g.r.ReadFrame(t.Context())
			require.NoError(t, err)
			require.Equal(t, "hello", string(f.Bytes()))
			f.Release()
			g.finish(t)
		})
	}
}
