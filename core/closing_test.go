package zerobuffer_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestReaderClosesDuringALook closes the reader after a waiting writer has seen it and before it
// looks after the objects, which are gone then. The reason is the close.
func TestReaderClosesDuringALook(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, w *zerobuffer.Writer) error{
		"drained": func(ctx context.Context, w *zerobuffer.Writer) error { return w.WaitDrained(ctx) },
		"room": func(ctx context.Context, w *zerobuffer.Writer) error {
			return w.WriteFrame(ctx, make([]byte, 1000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			spy := newSpyBackend()
			r, err := zerobuffer.NewReader(spy.process(), bufferName,
				&zerobuffer.ReaderOptions{PayloadSize: 1024})
			require.NoError(t, err)
			w, err := zerobuffer.NewWriter(spy.process(), bufferName, nil)
			require.NoError(t, err)
			require.NoError(t, w.WriteFrame(t.Context(), make([]byte, 1000)))
			spy.onCheck = func() { require.NoError(t, r.Close()) }
			require.ErrorIs(t, wait(t.Context(), w), zerobuffer.ErrReaderClosed)
			spy.onCheck = nil
			require.NoError(t, w.Close())
		})
	}
}
