package zerobuffer_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// calls are all calls that take a context. Each would succeed at once in a rig with one frame.
var calls = map[string]func(*rig, context.Context) error{
	"read":   func(g *rig, ctx context.Context) error { _, err := g.r.ReadFrame(ctx); return err },
	"latest": func(g *rig, ctx context.Context) error { _, err := g.r.Latest(ctx); return err },
	"read-batch": func(g *rig, ctx context.Context) error {
		_, err := g.r.ReadBatch(ctx, make([]zerobuffer.Frame, 2))
		return err
	},
	"frames": func(g *rig, ctx context.Context) error {
		for _, err := range g.r.Frames(ctx) {
			return err
		}
		return nil
	},
	"wait-writer": func(g *rig, ctx context.Context) error { return g.r.WaitWriter(ctx) },
	"wait-metadata": func(g *rig, ctx context.Context) error {
		_, err := g.r.WaitMetadata(ctx)
		return err
	},
	"write": func(g *rig, ctx context.Context) error { return g.w.WriteFrame(ctx, []byte{1}) },
	"write-batch": func(g *rig, ctx context.Context) error {
		_, err := g.w.WriteBatch(ctx, numbered(2, 1))
		return err
	},
	"reserve": func(g *rig, ctx context.Context) error {
		_, err := g.w.Reserve(ctx, 1)
		return err
	},
	"wait-drained": func(g *rig, ctx context.Context) error { return g.w.WaitDrained(ctx) },
	"open-writer": func(g *rig, ctx context.Context) error {
		_, err := zerobuffer.OpenWriter(ctx, g.Process(), bufferName, nil)
		return err
	},
}

// TestContextEndedAtEntry gives contexts that have ended: nothing is consumed, nothing written.
func TestContextEndedAtEntry(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			require.NoError(t, g.w.SetMetadata([]byte("caps")))
			g.write(10, 'a')
			g.requireUnchanged(func() {
				require.ErrorIs(t, call(g, ended()), context.Canceled)
				requireErrors(t, call(g, expired(t)), zerobuffer.ErrTimeout,
					context.DeadlineExceeded, os.ErrDeadlineExceeded)
			})
			f := g.read()
			require.Equal(t, uint64(1), f.Sequence())
			require.Equal(t, uint64(1), g.r.FramesRead())
			f.Release()
			g.write(10, 'b') // nothing is reserved
		})
	}
}

// blocking are the calls that block in a rig whose ring is empty for the reader or full for the
// writer.
var blocking = []struct {
	name  string
	write bool
}{
	{"read", false},
	{"latest", false},
	{"read-batch", false},
	{"write", true},
	{"write-batch", true},
	{"reserve", true},
}

// TestContextEndsBlockedCallConcurrentSafe cancels while a call is blocked, and lets a deadline
// pass.
func TestContextEndsBlockedCallConcurrentSafe(t *testing.T) {
	t.Parallel()
	for _, c := range blocking {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			sem := g.raw().DataReady()
			if c.write {
				g.write(g.w.MaxFrameSize(), 'a')
				sem = g.raw().SpaceReady()
			}
			g.requireUnchanged(func() {
				ctx, cancel := context.WithCancel(t.Context())
				err := whileBlocked(sem, func() error { return calls[c.name](g, ctx) }, cancel)
				require.ErrorIs(t, err, context.Canceled)
				require.NotErrorIs(t, err, zerobuffer.ErrTimeout)

				ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				err = calls[c.name](g, ctx)
				requireErrors(t, err, zerobuffer.ErrTimeout, context.DeadlineExceeded,
					os.ErrDeadlineExceeded)
				if c.write {
					require.ErrorIs(t, err, zerobuffer.ErrBufferFull)
				}
				timeout, ok := err.(interface{ Timeout() bool })
				require.True(t, ok && timeout.Timeout())
			})
		})
	}
}

// TestContextOfManyCalls blocks again and again with contexts that come and go: an old context
// must not end the call of a new one.
func TestContextOfManyCalls(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	sem := g.raw().DataReady()
	for range 20 {
		old, cancelOld := context.WithCancel(t.Context())
		err := whileBlocked(sem, func() error { return calls["read"](g, old) }, cancelOld)
		require.ErrorIs(t, err, context.Canceled)
		late, cancelLate := context.WithCancel(t.Context())
		err = whileBlocked(sem, func() error { return calls["read"](g, late) }, func() {
			g.write(1, 'a')
		})
		require.NoError(t, err)
		err = whileBlocked(sem, func() error { return calls["read"](g, t.Context()) }, func() {
			cancelLate() // armed, and not the context of this call
			g.write(1, 'a')
		})
		require.NoError(t, err)
		g.r.Stats()
		_, _ = g.r.Latest(ended())
	}
}

func TestReaderReadTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 20 * time.Millisecond
	g := newRig(t, zerobuffer.ReaderOptions{ReadTimeout: timeout}, zerobuffer.WriterOptions{})
	for _, name := range []string{"read", "latest", "read-batch", "frames"} {
		began := time.Now()
		err := calls[name](g, context.Background())
		requireErrors(t, err, zerobuffer.ErrTimeout, os.ErrDeadlineExceeded,
			context.DeadlineExceeded)
		require.NotErrorIs(t, err, zerobuffer.ErrBufferFull)
		require.GreaterOrEqual(t, time.Since(began), timeout)
	}
	g.write(10, 'a')
	require.NoError(t, calls["read"](g, context.Background()))
}

// TestReaderReadTimeoutNoWriter shows that a time-out is a time-out, also before the first writer.
func TestReaderReadTimeoutNoWriter(t *testing.T) {
	t.Parallel()
	g := newReaderRig(t, zerobuffer.ReaderOptions{ReadTimeout: time.Millisecond})
	err := calls["read"](g, context.Background())
	require.ErrorIs(t, err, zerobuffer.ErrTimeout)
	require.NotErrorIs(t, err, zerobuffer.ErrWriterDead)
}

// TestCancelAndCloseConcurrentSafe ends a blocked call by its context and by Close at once. The
// wake-up of the context takes long: the memory must not go before it has come.
func TestCancelAndCloseConcurrentSafe(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	spy.gate = make(chan struct{})
	r, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
	require.NoError(t, err)
	g := rig{Machine: spy.machine, t: t}
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	err = whileBlocked(g.raw().DataReady(), func() error {
		_, err := r.ReadFrame(ctx)
		return err
	}, func() {
		cancel()
		for spy.wakes.Load() == 0 {
			time.Sleep(50 * time.Microsecond)
		}
		go func() { closed <- r.Close() }()
	})
	require.Error(t, err)
	time.Sleep(20 * time.Millisecond) // for Close to go wrong
	close(spy.gate)
	require.NoError(t, <-closed)
	require.Equal(t, int64(1), spy.closed.Load())
	time.Sleep(time.Millisecond)
	require.Zero(t, spy.misuse.Load(), "woken after the memory was unmapped")
}
