package zerobuffer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// TestReaderWriterGone lets a writer close or die with frames left. The reader gets them all,
// then every read ends with the same error, until a new writer goes on with the next number.
func TestReaderWriterGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leave func(*rig)
		want  error
	}{
		"closed": {func(g *rig) { require.NoError(t, g.w.Close()) }, zerobuffer.ErrWriterClosed},
		"killed": {(*rig).killWriter, zerobuffer.ErrWriterDead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			g.write(10, 'a')
			g.readRelease(1) // the reader has seen the writer
			g.write(10, 'b')
			g.write(10, 'c')
			c.leave(g)
			require.False(t, g.r.WriterConnected())
			g.readRelease(2)
			for range 2 {
				_, err := g.r.ReadFrame(t.Context())
				require.ErrorIs(t, err, c.want)
				_, ok, err := g.r.TryReadFrame()
				require.False(t, ok)
				require.ErrorIs(t, err, c.want)
				_, err = g.r.Latest(t.Context())
				require.ErrorIs(t, err, c.want)
				require.ErrorIs(t, g.r.WaitWriter(expired(t)), zerobuffer.ErrTimeout)
			}
			require.Zero(t, g.oieb().WriterPID.Load())
			g.connect(zerobuffer.WriterOptions{})
			require.NoError(t, g.r.WaitWriter(t.Context()))
			require.True(t, g.r.WriterConnected())
			g.write(10, 'd')
			f, err := g.r.ReadFrame(t.Context())
			require.NoError(t, err)
			require.Equal(t, uint64(4), f.Sequence(), "the new writer did not go on")
			require.Equal(t, byte('d'), f.Bytes()[0])
		})
	}
}

// TestReaderWriterUnseen lets a writer come and go between two reads: it counts as closed.
func TestReaderWriterUnseen(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*rig){
		"nothing-written": func(*rig) {},
		"frame":           func(g *rig) { g.write(10, 'a') },
		"metadata":        func(g *rig) { require.NoError(t, g.w.SetMetadata([]byte("m"))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newReaderRig(t, zerobuffer.ReaderOptions{})
			_, ok, err := g.r.TryReadFrame()
			require.NoError(t, err)
			require.False(t, ok)
			g.connect(zerobuffer.WriterOptions{})
			use(g)
			require.NoError(t, g.w.Close())
			for range g.w.FramesWritten() {
				g.read().Release()
			}
			_, err = g.r.ReadFrame(t.Context())
			require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
		})
	}
}

// TestWriterBesideForeignHasNoClaim connects while a writer without a claim lives: the reader would
// take the end of a claim for the death of that one.
func TestWriterBesideForeignHasNoClaim(t *testing.T) {
	t.Parallel()
	spy := newSpyBackend()
	r, err := zerobuffer.NewReader(spy.machine.Process(), bufferName, nil)
	require.NoError(t, err)
	defer r.Close()
	foreign, err := spy.machine.Process().Open(bufferName, driver.Config{})
	require.NoError(t, err)
	o, err := layout.View(foreign.Memory())
	require.NoError(t, err)
	o.WriterPID.Store(foreign.Liveness().PID())
	asked := 0
	spy.onAlive = func() {
		asked++
		require.False(t, foreign.Liveness().Ours(driver.Writer))
	}
	_, err = zerobuffer.NewWriter(spy.process(), bufferName, nil)
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)
	require.Greater(t, asked, 1)
	require.NoError(t, foreign.Close())
}

// TestReaderBlockedWriterGone is blocked in a read when the writer closes or dies.
func TestReaderBlockedWriterGone(t *testing.T) {
	t.Parallel()
	read := func(g *rig) func() error {
		return func() error { _, err := g.r.ReadFrame(context.Background()); return err }
	}
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		g := smallRig(t)
		err := whileBlocked(g.raw().DataReady(), read(g), func() { require.NoError(t, g.w.Close()) })
		require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	})
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		g := smallRig(t)
		err := whileBlocked(g.raw().DataReady(), read(g), g.killWriter)
		require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	})
}

// TestReaderWaitMetadataWriterGone waits for metadata of a writer that goes without having set any,
// while another goroutine reads or nobody does.
func TestReaderWaitMetadataWriterGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leave func(*rig)
		read  bool
		want  error
	}{
		"closed":      {(*rig).closeWriter, false, zerobuffer.ErrWriterClosed},
		"closed-read": {(*rig).closeWriter, true, zerobuffer.ErrWriterClosed},
		"killed":      {(*rig).killWriter, false, zerobuffer.ErrWriterDead},
		"killed-read": {(*rig).killWriter, true, zerobuffer.ErrWriterDead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			done := make(chan error)
			ctx, cancel := patience()
			defer cancel()
			go func() {
				_, err := g.r.WaitMetadata(ctx)
				done <- err
			}()
			time.Sleep(20 * time.Millisecond) // until it has seen the writer
			c.leave(g)
			if c.read {
				_, err := g.r.ReadFrame(t.Context()) // buries a dead writer
				require.ErrorIs(t, err, c.want)
				require.Zero(t, g.oieb().WriterPID.Load())
			}
			require.ErrorIs(t, <-done, c.want)
			g.connect(zerobuffer.WriterOptions{})
			require.NoError(t, g.w.SetMetadata([]byte("caps")))
			b, err := g.r.WaitMetadata(t.Context())
			require.NoError(t, err)
			require.Equal(t, "caps", string(b))
		})
	}
}

// TestWaitSegmentRemoved waits by polling on a buffer that somebody has removed.
func TestWaitSegmentRemoved(t *testing.T) {
	t.Parallel()
	ctx, cancel := patience()
	defer cancel()
	g := newReaderRig(t, zerobuffer.ReaderOptions{})
	removed := removedBackend{Backend: g.Process()}
	r, err := zerobuffer.NewReader(removed, "removed", nil)
	require.NoError(t, err)
	defer r.Close()
	require.ErrorIs(t, r.WaitWriter(ctx), zerobuffer.ErrSegmentRemoved)
	_, err = r.WaitMetadata(ctx)
	require.ErrorIs(t, err, zerobuffer.ErrSegmentRemoved)

	removed.opens = 1 // the check at attach is none
	w, err := zerobuffer.NewWriter(removed, bufferName, nil)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.WriteFrame(t.Context(), []byte{1}))
	require.ErrorIs(t, w.WaitDrained(ctx), zerobuffer.ErrSegmentRemoved)
}

// patience is a context for calls that would wait for ever if what is tested were missing.
func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Second)
}

// removedBackend makes and opens channels whose segment is gone, after some looks.
type removedBackend struct {
	driver.Backend
	opens int // looks of a channel that is opened for which it is still there
}

func (b removedBackend) Create(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Create(name, config)
	return &removedChannel{Channel: ch}, err
}

func (b removedBackend) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Open(name, config)
	return &removedChannel{Channel: ch, good: b.opens}, err
}

type removedChannel struct {
	driver.Channel
	good int
}

func (c *removedChannel) Check() error {
	if c.good--; c.good >= 0 {
		return nil
	}
	return driver.ErrSegmentRemoved
}

// TestWriterReaderGone lets the reader close or die with frames unread, while the writer is idle
// and while it is blocked.
func TestWriterReaderGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leave  func(*rig)
		closed bool
	}{
		"closed": {func(g *rig) { require.NoError(t, g.r.Close()) }, true},
		"killed": {(*rig).killReader, false},
	} {
		check := func(t *testing.T, g *rig, err error, unread int) {
			t.Helper()
			require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
			require.Equal(t, c.closed, errors.Is(err, zerobuffer.ErrReaderClosed))
			gone, ok := errors.AsType[*zerobuffer.ReaderGoneError](err)
			require.True(t, ok)
			want := zerobuffer.ReaderGoneError{Closed: c.closed, Unread: uint64(unread)}
			if !c.closed {
				want.PID = g.readerP.PID()
			}
			require.Empty(t, cmp.Diff(want, *gone))
			require.False(t, g.w.ReaderConnected())
		}
		t.Run(name+"-idle", func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			require.True(t, g.w.ReaderConnected())
			n := g.fill(100)
			c.leave(g)
			_, err := g.w.TryWriteFrame(make([]byte, 100))
			check(t, g, err, n)
			check(t, g, g.w.WriteFrame(t.Context(), make([]byte, 100)), n)
		})
		t.Run(name+"-blocked", func(t *testing.T) {
			t.Parallel()
			g := smallRig(t)
			sem := g.raw().SpaceReady()
			n := g.fill(100)
			err := whileBlocked(sem, func() error {
				return g.w.WriteFrame(context.Background(), make([]byte, 100))
			}, func() { c.leave(g) })
			check(t, g, err, n)
		})
	}
}

func TestOpenWriterWaits(t *testing.T) {
	t.Parallel()
	m := inproc.NewMachine()
	opened := make(chan *zerobuffer.Writer)
	go func() {
		w, err := zerobuffer.OpenWriter(context.Background(), m.Process(), bufferName, nil)
		if err != nil {
			t.Error(err)
		}
		opened <- w
	}()
	time.Sleep(10 * time.Millisecond)
	r, err := zerobuffer.NewReader(m.Process(), bufferName, nil)
	require.NoError(t, err)
	defer r.Close()
	w := <-opened
	require.NoError(t, w.WriteFrame(t.Context(), []byte("hello")))
	require.NoError(t, w.Close())
}

// TestOpenWriterGivesUp shows that the last error and the end of the context are both told, and
// that what waiting does not mend is told at once.
func TestOpenWriterGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := zerobuffer.OpenWriter(ctx, inproc.New(), bufferName, nil)
	requireErrors(t, err, zerobuffer.ErrBufferNotFound, zerobuffer.ErrTimeout)
	g := smallRig(t)
	_, err = zerobuffer.OpenWriter(context.Background(), g.Process(), bufferName, nil)
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)
	_, err = zerobuffer.OpenWriter(context.Background(), g.Process(), "a/b", nil)
	require.ErrorIs(t, err, zerobuffer.ErrInvalidName)
}

// TestWriterReplaced overwrites writer_pid as a peer that does not check does.
func TestWriterReplaced(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	_, err := g.w.Reserve(t.Context(), 10)
	require.NoError(t, err)
	g.oieb().WriterPID.Store(g.Process().PID())
	g.requireUnchanged(func() {
		require.ErrorIs(t, g.w.Commit(10), zerobuffer.ErrWriterReplaced)
		err := g.w.WriteFrame(t.Context(), []byte{1})
		require.ErrorIs(t, err, zerobuffer.ErrWriterReplaced)
		_, err = g.w.TryWriteFrame([]byte{1})
		require.ErrorIs(t, err, zerobuffer.ErrWriterReplaced)
		_, err = g.w.WriteBatch(t.Context(), numbered(2, 2))
		require.ErrorIs(t, err, zerobuffer.ErrWriterReplaced)
		_, err = g.w.Reserve(t.Context(), 1)
		require.ErrorIs(t, err, zerobuffer.ErrWriterReplaced)
		require.ErrorIs(t, g.w.SetMetadata([]byte{1}), zerobuffer.ErrWriterReplaced)
		require.NoError(t, g.w.Close())
	})
}

// TestWriterPutsPIDBack zeroes writer_pid, as a peer whose attach failed does, or leaves the PID
// of a dead process there.
func TestWriterPutsPIDBack(t *testing.T) {
	t.Parallel()
	for _, pid := range []uint64{0, 1 << 40} {
		g := smallRig(t)
		g.write(10, 'a')
		g.oieb().WriterPID.Store(pid)
		g.write(10, 'b')
		require.Equal(t, g.writerP.PID(), g.oieb().WriterPID.Load())
		g.readRelease(2)
		_, ok, err := g.r.TryReadFrame()
		require.NoError(t, err)
		require.False(t, ok)
	}
}

// TestWaitWriterBuriesTheDead only waits for a writer: the next one may wait for the burial.
func TestWaitWriterBuriesTheDead(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(1, 'a')
	g.killWriter()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, g.r.WaitWriter(ctx), context.DeadlineExceeded)
	require.Zero(t, g.oieb().WriterPID.Load())
	require.EqualValues(t, 1, g.read().Sequence(), "what it has written is still there")
}
