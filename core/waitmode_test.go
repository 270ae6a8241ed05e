package zerobuffer_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

var waitModes = []zerobuffer.WaitMode{
	zerobuffer.WaitAdaptive, zerobuffer.WaitBlock, zerobuffer.WaitSpin,
}

// forEachWaitMode runs f with a rig whose both sides wait in the same way.
func forEachWaitMode(t *testing.T, f func(t *testing.T, g *rig)) {
	t.Helper()
	for _, mode := range waitModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f(t, newRig(t,
				zerobuffer.ReaderOptions{Wait: mode, ReadTimeout: time.Minute},
				zerobuffer.WriterOptions{Wait: mode, WriteTimeout: time.Minute}))
		})
	}
}

// TestWaitModeStream moves many frames through a small ring, so that both sides wait for each
// other all the time.
func TestWaitModeStream(t *testing.T) {
	t.Parallel()
	forEachWaitMode(t, func(t *testing.T, g *rig) {
		const frames = 3000
		ctx, done := context.Background(), make(chan error, 1)
		go func() {
			for i := range frames {
				if err := g.w.WriteFrame(ctx, payload(byte(i), 1+i%300)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		for i := range frames {
			f, err := g.r.ReadFrame(ctx)
			require.NoError(t, err)
			if want := payload(byte(i), 1+i%300); !bytes.Equal(f.Bytes(), want) {
				t.Fatalf("frame %d has other bytes", i)
			}
			f.Release()
		}
		require.NoError(t, <-done)
		require.NoError(t, g.w.WaitDrained(ctx))
	})
}

func payload(fill byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = fill + byte(i)
	}
	return b
}

// TestWaitModeEnds shows that time-out, context and Close end a wait in every mode.
func TestWaitModeEnds(t *testing.T) {
	t.Parallel()
	for _, mode := range waitModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{Wait: mode, ReadTimeout: 20 * time.Millisecond},
				zerobuffer.WriterOptions{Wait: mode, WriteTimeout: 20 * time.Millisecond})
			_, err := g.r.ReadFrame(context.Background())
			require.ErrorIs(t, err, zerobuffer.ErrTimeout)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
			defer cancel()
			_, err = g.r.ReadFrame(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			g.write(800, 'a')
			require.ErrorIs(t, g.w.WriteFrame(context.Background(), make([]byte, 800)),
				zerobuffer.ErrBufferFull)
		})
	}
	forEachWaitMode(t, func(t *testing.T, g *rig) {
		done := make(chan error, 1)
		go func() {
			_, err := g.r.ReadFrame(context.Background())
			done <- err
		}()
		time.Sleep(5 * time.Millisecond)
		require.NoError(t, g.r.Close())
		require.ErrorIs(t, <-done, zerobuffer.ErrClosed)
	})
}

// TestWaitModeDeath shows that a wait in every mode ends when the writer is killed.
func TestWaitModeDeath(t *testing.T) {
	t.Parallel()
	forEachWaitMode(t, func(t *testing.T, g *rig) {
		done := make(chan error, 1)
		go func() {
			_, err := g.r.ReadFrame(context.Background())
			done <- err
		}()
		time.Sleep(5 * time.Millisecond)
		g.killWriter()
		require.ErrorIs(t, <-done, zerobuffer.ErrWriterDead)
	})
}

func TestWaitModeText(t *testing.T) {
	t.Parallel()
	for _, mode := range waitModes {
		var m zerobuffer.WaitMode
		text, err := mode.MarshalText()
		require.NoError(t, err)
		require.NoError(t, m.UnmarshalText(text))
		require.Equal(t, mode, m)
	}
	var m zerobuffer.WaitMode
	require.ErrorContains(t, m.UnmarshalText([]byte("sleep")), "use adaptive, block or spin")
	require.Equal(t, "WaitMode(9)", zerobuffer.WaitMode(9).String())
}

func TestWaitModeUnknown(t *testing.T) {
	t.Parallel()
	machine := inproc.NewMachine()
	_, err := zerobuffer.NewReader(machine.Process(), bufferName,
		&zerobuffer.ReaderOptions{Wait: 9})
	require.ErrorContains(t, err, "wait mode 9: must be WaitAdaptive")
	_, err = zerobuffer.NewWriter(machine.Process(), bufferName, &zerobuffer.WriterOptions{Wait: 9})
	require.ErrorContains(t, err, "wait mode 9: must be WaitAdaptive")
}
