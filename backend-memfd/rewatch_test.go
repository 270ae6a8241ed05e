//go:build linux

package memfdshm

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// keptBackend keeps the channel that was made last.
type keptBackend struct {
	driver.Backend
	last driver.Channel
}

func (b *keptBackend) Create(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Create(name, config)
	b.last = ch
	return ch, err
}

// TestWatchNextWriterOfProcess closes a Writer while the reader rests, and connects another one of
// the same process. It has the same PID, and a connection of its own, which is watched as well.
func TestWatchNextWriterOfProcess(t *testing.T) {
	made := &keptBackend{Backend: New(&Options{Dir: newDir(t)})}
	name := newName(t)
	r, err := zerobuffer.NewReader(made, name, &zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
	require.NoError(t, err)
	defer r.Close()
	watched := func() (yes bool) {
		s := made.last.(*owner).server
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.watches {
			yes = yes || any(c) == s.roles[driver.Writer].holder
		}
		return yes
	}
	for range 3 {
		w, err := zerobuffer.NewWriter(made, name, nil)
		require.NoError(t, err)
		require.NoError(t, w.WriteFrame(t.Context(), []byte{1}))
		f, err := r.ReadFrame(t.Context())
		require.NoError(t, err)
		f.Release()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err = r.ReadFrame(ctx) // looks, if the watch has told something
		cancel()
		require.ErrorIs(t, err, zerobuffer.ErrTimeout)
		require.True(t, watched())
		require.NoError(t, w.Close())
		eventually(func() bool { return !watched() })
	}
}
