//go:build linux

package posixshm

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
)

// A peer leaves both semaphores full or nearly so, again and again. Frames come as ever, and a last
// look takes the tokens away.
func TestFullSemaphoresConcurrentSafe(t *testing.T) {
	for _, library := range []CLibrary{Glibc, Musl} {
		t.Run(library.String(), func(t *testing.T) {
			const frames = 5000
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			b := newBackend(t)
			b.library = library
			name := newName(t, b)
			r, err := zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{PayloadSize: 1024})
			require.NoError(t, err)
			defer r.Close()
			w, err := zerobuffer.NewWriter(b, name, nil)
			require.NoError(t, err)
			defer w.Close()
			peer := attach(t, b, name)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for left := uint32(0); r.FramesRead() < frames && ctx.Err() == nil; left = (left + 1) % 3 {
					brim(t, peer.DataReady(), left)
					brim(t, peer.SpaceReady(), left)
					time.Sleep(20 * time.Microsecond)
				}
			}()
			wrote := make(chan error, 1)
			go func() {
				var err error
				for i := 0; i < frames && err == nil; i++ {
					err = w.WriteFrame(ctx, make([]byte, 1+i%300))
				}
				wrote <- err
			}()
			for seq := uint64(1); seq <= frames; seq++ {
				f, err := r.ReadFrame(ctx)
				require.NoError(t, err)
				require.Equal(t, seq, f.Sequence())
				f.Release()
			}
			require.NoError(t, <-wrote)
			<-ended
			for range 2 {
				_, ok, err := r.TryReadFrame()
				require.NoError(t, err)
				require.False(t, ok)
			}
			tokens, _ := peer.DataReady().State()
			require.Zero(t, tokens)
		})
	}
}

// brim posts tokens until there is room for left more.
func brim(t *testing.T, s driver.Semaphore, left uint32) {
	tokens, _ := s.State()
	if tokens > futex.MaxValue-left {
		return
	}
	err := s.Post(math.MaxInt32 - left - tokens)
	if err != nil && !errors.Is(err, driver.ErrOverflow) {
		t.Error(err)
	}
}
