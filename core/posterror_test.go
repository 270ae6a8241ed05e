package zerobuffer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestWriterToldOfFailedPost has a semaphore refuse a token. The call says so, with the name of the
// buffer; the frame is in the ring, and comes with the token of the next one.
func TestWriterToldOfFailedPost(t *testing.T) {
	broken := errors.New("no such semaphore")
	spy := newSpyBackend()
	ctx := context.Background()
	r, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(spy.process(), bufferName, nil)
	require.NoError(t, err)
	frames := 0
	for name, write := range map[string]func() error{
		"WriteFrame": func() error { return w.WriteFrame(ctx, []byte("one")) },
		"TryWriteFrame": func() error {
			ok, err := w.TryWriteFrame([]byte("one"))
			require.True(t, ok)
			return err
		},
		"in two parts": func() error { return w.WriteFrame(ctx, []byte("o"), []byte("ne")) },
	} {
		require.NoError(t, w.WriteFrame(ctx, []byte("one"))) // the first one of all goes to 0
		spy.onPost = func() error { return broken }
		err := write()
		spy.onPost = nil
		require.ErrorIs(t, err, broken, name)
		require.ErrorIs(t, err, zerobuffer.ErrCorrupt, name)
		require.ErrorContains(t, err, bufferName, name)
		frames += 2
		require.EqualValues(t, frames, w.Stats().FramesWritten, name)
	}
	require.NoError(t, w.Close())
	for range frames {
		f, err := r.ReadFrame(ctx)
		require.NoError(t, err)
		require.Equal(t, "one", string(f.Bytes()))
		f.Release()
	}
	_, err = r.ReadFrame(ctx)
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	require.NoError(t, r.Close())
}
