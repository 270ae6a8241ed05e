package zerobuffer_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// TestReconnectEnds ends the wait for a reader in all ways. The call after it goes on to wait.
func TestReconnectEnds(t *testing.T) {
	t.Parallel()
	timed := zerobuffer.WriterOptions{Reconnect: true, WriteTimeout: 20 * time.Millisecond}
	for name, c := range map[string]struct {
		opts zerobuffer.WriterOptions
		ctx  func() (context.Context, context.CancelFunc)
		also []error
	}{
		"time-out": {timed, func() (context.Context, context.CancelFunc) {
			return context.WithCancel(context.Background())
		}, timeouts},
		"deadline": {reconnecting, func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 20*time.Millisecond)
		}, timeouts},
		"cancel": {reconnecting, func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		}, []error{context.Canceled}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, zerobuffer.ReaderOptions{}, c.opts)
			g.fill(100)
			leaves["closed"](g)
			for _, call := range []func(context.Context) error{
				func(ctx context.Context) error { return g.w.WriteFrame(ctx, make([]byte, 10)) },
				func(ctx context.Context) error { _, err := g.w.Reserve(ctx, 10); return err },
				func(ctx context.Context) error {
					n, err := g.w.WriteBatch(ctx, numbered(2, 10))
					require.Zero(t, n)
					return err
				},
			} {
				ctx, cancel := c.ctx()
				begun := time.Now()
				err := call(ctx)
				cancel()
				require.GreaterOrEqual(t, time.Since(begun), 20*time.Millisecond)
				requireErrors(t, err, append(c.also, zerobuffer.ErrReaderClosed)...)
				require.ErrorContains(t, err, bufferName)
				require.NotErrorIs(t, err, zerobuffer.ErrBufferFull)
			}
			require.Equal(t, uint64(8), g.w.Stats().FramesLost, "counted once")
			require.Equal(t, 1, countOf(g.wlog.all(), lostReader))
			g.renew(zerobuffer.ReaderOptions{})
			require.NoError(t, g.w.WriteFrame(context.Background(), []byte("late")))
			require.Equal(t, "late", string(g.read().Bytes()))
		})
	}
}

// TestReconnectTimeoutIsOfTheCall uses the time-out up in the wait for room: when the reader goes
// then, there is one look for the next buffer, and no wait for it.
func TestReconnectTimeoutIsOfTheCall(t *testing.T) {
	t.Parallel()
	const timeout = 100 * time.Millisecond
	spy := newSpyBackend()
	r, err := zerobuffer.NewReader(spy.process(), bufferName,
		&zerobuffer.ReaderOptions{PayloadSize: 256})
	require.NoError(t, err)
	spy.onWait = func() {
		time.Sleep(timeout)
		require.NoError(t, r.Close())
	}
	w, err := zerobuffer.NewWriter(spy.process(), bufferName, &zerobuffer.WriterOptions{
		Reconnect: true, WriteTimeout: timeout, Wait: zerobuffer.WaitBlock,
	})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.WriteFrame(t.Context(), make([]byte, 200)))
	opens := spy.opens.Load()
	err = w.WriteFrame(t.Context(), make([]byte, 200))
	requireErrors(t, err, zerobuffer.ErrReaderClosed, zerobuffer.ErrTimeout)
	require.Equal(t, opens+1, spy.opens.Load())

	// The next call has all its time again.
	err = w.WriteFrame(t.Context(), make([]byte, 200))
	requireErrors(t, err, zerobuffer.ErrReaderClosed, zerobuffer.ErrTimeout)
	require.Greater(t, spy.opens.Load(), opens+2)
}

// TestReconnectCloseConcurrentSafe closes the Writer while it waits for a reader, and between two
// calls.
func TestReconnectCloseConcurrentSafe(t *testing.T) {
	t.Parallel()
	for _, waits := range []bool{true, false} {
		spy := newSpyBackend()
		r, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
		require.NoError(t, err)
		w, err := zerobuffer.NewWriter(spy.process(), bufferName, &reconnecting)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		if waits {
			done := make(chan error, 1)
			go func() { done <- w.WriteFrame(context.Background(), []byte{1}) }()
			for w.Stats().PayloadSize != 0 {
				time.Sleep(50 * time.Microsecond)
			}
			require.NoError(t, w.Close())
			require.Equal(t, zerobuffer.ErrClosed, <-done)
		} else {
			for range 100 {
				_, err := w.TryWriteFrame([]byte{1})
				require.ErrorIs(t, err, zerobuffer.ErrReaderClosed)
			}
			require.Less(t, spy.opens.Load(), int64(50), "a buffer is looked for at each call")
			require.True(t, w.Drained())
			require.NoError(t, w.Close())
		}
		require.NoError(t, w.Close())
		require.ErrorIs(t, w.WriteFrame(t.Context(), []byte{1}), zerobuffer.ErrClosed)
		require.Equal(t, int64(2), spy.closed.Load())
		require.Equal(t, int64(2), spy.removed.Load())
		require.Zero(t, spy.misuse.Load())
	}
}

// TestReconnectCloseWakesConcurrentSafe has Close wake the blocked call when that is about to leave
// its buffer: the memory stays until it is woken.
func TestReconnectCloseWakesConcurrentSafe(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	r, err := zerobuffer.NewReader(spy.process(), bufferName,
		&zerobuffer.ReaderOptions{PayloadSize: 256})
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(spy.process(), bufferName, &reconnecting)
	require.NoError(t, err)
	ch, err := spy.machine.Process().Open(bufferName, driver.Config{})
	require.NoError(t, err)
	require.NoError(t, w.WriteFrame(t.Context(), make([]byte, 200)))
	spy.gate = make(chan struct{})
	done, closed := make(chan error, 1), make(chan error, 1)
	go func() { done <- w.WriteFrame(context.Background(), make([]byte, 200)) }()
	awaitBlocked(ch.SpaceReady())
	go func() { closed <- w.Close() }()
	for spy.wakes.Load() == 0 {
		time.Sleep(50 * time.Microsecond)
	}
	require.NoError(t, r.Close())
	time.Sleep(20 * time.Millisecond) // for the call to leave, if nothing keeps it
	close(spy.gate)
	require.ErrorIs(t, <-done, zerobuffer.ErrClosed)
	require.NoError(t, <-closed)
	require.Equal(t, int64(2), spy.closed.Load())
	require.Zero(t, spy.misuse.Load(), "woken after it was unmapped")
}

// TestReconnectOtherErrors returns what is not the end of the reader, as without the option.
func TestReconnectOtherErrors(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{},
		zerobuffer.WriterOptions{Reconnect: true, WriteTimeout: time.Millisecond})
	ctx := context.Background()
	require.ErrorIs(t, g.w.WriteFrame(ctx), zerobuffer.ErrEmptyFrame)
	require.ErrorIs(t, g.w.WriteFrame(ctx, make([]byte, 1009)), zerobuffer.ErrFrameTooLarge)
	require.ErrorIs(t, g.w.SetMetadata(nil), zerobuffer.ErrEmptyMetadata)
	require.ErrorIs(t, g.w.SetMetadata(make([]byte, 5000)), zerobuffer.ErrMetadataTooLarge)
	g.fill(100)
	require.ErrorIs(t, g.w.WriteFrame(ctx, make([]byte, 100)), zerobuffer.ErrBufferFull)
	_, err := g.w.Reserve(ctx, 100)
	require.ErrorIs(t, err, zerobuffer.ErrBufferFull)
	g.oieb().WriterPID.Store(g.Process().PID())
	require.ErrorIs(t, g.w.WriteFrame(ctx, []byte{1}), zerobuffer.ErrWriterReplaced)
	_, err = g.w.TryWriteFrame(make([]byte, 1009))
	require.ErrorIs(t, err, zerobuffer.ErrFrameTooLarge)
	_, err = g.w.TryWriteFrame([]byte{1})
	require.ErrorIs(t, err, zerobuffer.ErrWriterReplaced)
	require.Zero(t, g.w.Stats().Reconnects+g.w.Stats().FramesLost)
}

// TestReconnectDropped collects a Writer that has given up its buffer.
func TestReconnectDropped(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	log := new(logbook)
	func() {
		r, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
		require.NoError(t, err)
		w, err := zerobuffer.NewWriter(spy.process(), bufferName,
			&zerobuffer.WriterOptions{Reconnect: true, Logger: log.logger()})
		require.NoError(t, err)
		require.NoError(t, r.Close())
		_, err = w.TryWriteFrame([]byte{1})
		require.ErrorIs(t, err, zerobuffer.ErrReaderClosed)
		runtime.KeepAlive(w)
	}()
	awaitDropped(log)
	require.Equal(t, int64(2), spy.closed.Load())
	require.Zero(t, spy.misuse.Load())
}

// TestReconnectDroppedInTheNextBuffer collects a Writer that is in its second buffer: that is the
// one which is cleaned up.
func TestReconnectDroppedInTheNextBuffer(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	log := new(logbook)
	var r *zerobuffer.Reader
	func() {
		first, err := zerobuffer.NewReader(spy.process(), bufferName, nil)
		require.NoError(t, err)
		w, err := zerobuffer.NewWriter(spy.process(), bufferName,
			&zerobuffer.WriterOptions{Reconnect: true, Logger: log.logger()})
		require.NoError(t, err)
		require.NoError(t, first.Close())
		r, err = zerobuffer.NewReader(spy.process(), bufferName, nil)
		require.NoError(t, err)
		require.NoError(t, w.WriteFrame(t.Context(), []byte{1}))
		require.True(t, r.WriterConnected())
	}()
	awaitDropped(log)
	for r.WriterConnected() {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, r.Close())
	for spy.closed.Load() < 4 {
		time.Sleep(time.Millisecond)
	}
	require.Zero(t, spy.misuse.Load())
}

// awaitDropped waits until a side that was forgotten is cleaned up.
func awaitDropped(log *logbook) {
	const dropped = "WARN dropped without Close: cleaning up; call Close when done"
	for countOf(log.all(), dropped) == 0 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}
