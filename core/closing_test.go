package zerobuffer_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestReaderClosesDuringALook closes the reader after a waiting writer has seen it, and before it
// looks after the objects or asks whether the reader lives. The reason is the close.
func TestReaderClosesDuringALook(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, w *zerobuffer.Writer) error{
		"drained": func(ctx context.Context, w *zerobuffer.Writer) error { return w.WaitDrained(ctx) },
		"room": func(ctx context.Context, w *zerobuffer.Writer) error {
			return w.WriteFrame(ctx, make([]byte, 1000))
		},
	} {
		closes := func(t *testing.T, at func(*spyBackend) *func()) {
			spy := newSpyBackend()
			p := spy.process().(*spyProcess)
			r, err := zerobuffer.NewReader(p, bufferName,
				&zerobuffer.ReaderOptions{PayloadSize: 1024})
			require.NoError(t, err)
			w, err := zerobuffer.NewWriter(spy.process(), bufferName, nil)
			require.NoError(t, err)
			require.NoError(t, w.WriteFrame(t.Context(), make([]byte, 1000)))
			*at(spy) = func() {
				*at(spy) = nil
				require.NoError(t, r.Close())
				p.Kill() // it ends
			}
			require.ErrorIs(t, wait(t.Context(), w), zerobuffer.ErrReaderClosed)
			require.NoError(t, w.Close())
		}
		t.Run(name+"/check", func(t *testing.T) {
			closes(t, func(spy *spyBackend) *func() { return &spy.onCheck })
		})
		t.Run(name+"/alive", func(t *testing.T) {
			closes(t, func(spy *spyBackend) *func() { return &spy.onAlive })
		})
	}
}
