package zerobuffer_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestLogLifeCycle goes through a buffer's life. Everything is logged once, and nothing per frame.
func TestLogLifeCycle(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	require.NoError(t, g.w.SetMetadata([]byte("m")))
	_, _, err := g.r.TryReadFrame() // a reader without a frame looks who is there
	require.NoError(t, err)
	for range 1000 {
		g.write(200, 'a')
		g.readRelease(1)
	}
	require.NoError(t, g.w.Close())
	_, err = g.r.ReadFrame(t.Context())
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	g.connect(zerobuffer.WriterOptions{})
	_, _, err = g.r.TryReadFrame()
	require.NoError(t, err)
	g.killWriter()
	_, err = g.r.ReadFrame(t.Context())
	require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	require.NoError(t, g.r.Close())

	reader := []string{
		"INFO buffer created", "INFO writer connected", "INFO writer closed",
		"INFO writer connected", "WARN writer died", "INFO buffer closed",
	}
	writers := []string{
		"INFO writer connected", "DEBUG metadata set", "INFO writer closed",
		"INFO writer connected",
	}
	require.Empty(t, cmp.Diff(reader, g.rlog.all()))
	require.Empty(t, cmp.Diff(writers, g.wlog.all()))
}

func TestLogWriterAfterDeadWriter(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.killWriter()
	g.connect(zerobuffer.WriterOptions{})
	require.Contains(t, g.wlog.all(), "WARN went on after a dead writer")
	g.oieb().WriterPID.Store(0)
	g.write(10, 'a')
	require.Contains(t, g.wlog.all(), "WARN writer_pid was overwritten and put back")
}

// TestLogBlockedWriter is blocked for more than a second by held frames: one warning.
func TestLogBlockedWriter(t *testing.T) {
	t.Parallel()
	opts := zerobuffer.WriterOptions{WriteTimeout: 1700 * time.Millisecond}
	g := newRig(t, zerobuffer.ReaderOptions{}, opts)
	g.write(1000, 'a')
	held := g.read()
	err := g.w.WriteFrame(context.Background(), make([]byte, 1000))
	require.ErrorIs(t, err, zerobuffer.ErrBufferFull)
	held.Release()
	want := []string{
		"INFO writer connected",
		"WARN writer is blocked: the reader gives back too little space",
	}
	require.Empty(t, cmp.Diff(want, g.wlog.all()))
}
