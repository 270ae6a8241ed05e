package zerobuffer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestReaderCollects has the reader hold nearly a whole ring before it releases anything, again and
// again, while the writer writes as fast as it can. Whatever the writer does to stay in the cache,
// it must leave room for that, or both wait for ever.
func TestReaderCollects(t *testing.T) {
	t.Parallel()
	const ring, frame, held, rounds = 16 << 20, 256<<10 - 16, 60, 30
	g := newRig(t, zerobuffer.ReaderOptions{PayloadSize: ring, ReadTimeout: 10 * time.Second},
		zerobuffer.WriterOptions{WriteTimeout: 10 * time.Second})
	wrote := make(chan error, 1)
	go func() {
		payload := make([]byte, frame)
		for range held * rounds {
			if err := g.w.WriteFrame(t.Context(), payload); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	for round := range rounds {
		var frames []zerobuffer.Frame
		for len(frames) < held {
			f, err := g.r.ReadFrame(t.Context())
			require.NoError(t, err, "round %d, with %d frames held", round, len(frames))
			frames = append(frames, f)
		}
		for _, f := range frames {
			f.Release()
		}
	}
	require.NoError(t, <-wrote)
}
