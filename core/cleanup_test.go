package zerobuffer_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

// collectUntil collects garbage until done is true.
func collectUntil(done func() bool) {
	for !done() {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

const dropped = "WARN dropped without Close: cleaning up; call Close when done"

// TestReaderDropped drops a Reader without Close: it is reported, and the name is free again.
func TestReaderDropped(t *testing.T) {
	t.Parallel()
	m, log := inproc.NewMachine(), new(logbook)
	dropReader(t, m.Process(), log)
	var r *zerobuffer.Reader
	collectUntil(func() bool {
		var err error
		r, err = zerobuffer.NewReader(m.Process(), bufferName, nil)
		return err == nil
	})
	defer r.Close()
	collectUntil(func() bool { return slices.Contains(log.all(), dropped) })
}

// dropReader makes a Reader, blocks once, so that its goroutine runs, and forgets it.
//
//go:noinline
func dropReader(t *testing.T, p *inproc.Process, log *logbook) {
	t.Helper()
	r, err := zerobuffer.NewReader(p, bufferName, &zerobuffer.ReaderOptions{Logger: log.logger()})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = r.ReadFrame(ctx)
	require.ErrorIs(t, err, zerobuffer.ErrTimeout)
}

// TestWriterDropped drops a Writer without Close: the reader gets its frames, and its end.
func TestWriterDropped(t *testing.T) {
	t.Parallel()
	g := newReaderRig(t, zerobuffer.ReaderOptions{})
	log := new(logbook)
	dropWriter(t, g.Process(), log)
	collectUntil(func() bool { return !g.r.WriterConnected() })
	seqs, err := collect(t.Context(), g.r)
	require.NoError(t, err)
	require.Equal(t, []uint64{1}, seqs)
	require.Contains(t, log.all(), dropped)
	g.connect(zerobuffer.WriterOptions{})
}

//go:noinline
func dropWriter(t *testing.T, p *inproc.Process, log *logbook) {
	t.Helper()
	w, err := zerobuffer.NewWriter(p, bufferName, &zerobuffer.WriterOptions{Logger: log.logger()})
	require.NoError(t, err)
	require.NoError(t, w.WriteFrame(t.Context(), []byte("hello")))
}

// TestReaderNotCollectedWhileFrameHeld keeps only a frame: its Reader must stay.
func TestReaderNotCollectedWhileFrameHeld(t *testing.T) {
	t.Parallel()
	m, log := inproc.NewMachine(), new(logbook)
	f := onlyFrame(t, m, log)
	for range 5 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	_, err := zerobuffer.NewReader(m.Process(), bufferName, nil)
	require.ErrorIs(t, err, zerobuffer.ErrReaderConnected)
	require.NotContains(t, log.all(), dropped)
	require.Equal(t, "hello", string(f.Bytes()))
	f.Release()
	f = zerobuffer.Frame{}
	collectUntil(func() bool { return slices.Contains(log.all(), dropped) })
	require.False(t, f.Valid())
}

// TestReaderNotCollectedDuringDo has nothing but a call of Do in progress: its Reader must stay.
func TestReaderNotCollectedDuringDo(t *testing.T) {
	t.Parallel()
	m, log := inproc.NewMachine(), new(logbook)
	err := onlyFrame(t, m, log).Do(func(b []byte) error {
		for range 5 {
			runtime.GC()
			time.Sleep(5 * time.Millisecond)
		}
		require.NotContains(t, log.all(), dropped)
		require.Equal(t, "hello", string(b))
		return nil
	})
	require.NoError(t, err)
	collectUntil(func() bool { return slices.Contains(log.all(), dropped) })
}

// onlyFrame returns a held frame of a Reader that is forgotten.
//
//go:noinline
func onlyFrame(t *testing.T, m *inproc.Machine, log *logbook) zerobuffer.Frame {
	t.Helper()
	r, err := zerobuffer.NewReader(m.Process(), bufferName,
		&zerobuffer.ReaderOptions{Logger: log.logger()})
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(m.Process(), bufferName, nil)
	require.NoError(t, err)
	require.NoError(t, w.WriteFrame(t.Context(), []byte("hello")))
	require.NoError(t, w.Close())
	f, err := r.ReadFrame(t.Context())
	require.NoError(t, err)
	return f
}

// TestClosedIsNotReported closes both sides properly: their collection says nothing.
func TestClosedIsNotReported(t *testing.T) {
	t.Parallel()
	log := new(logbook)
	openAndClose(t, log)
	for range 5 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	require.NotContains(t, log.all(), dropped)
}

//go:noinline
func openAndClose(t *testing.T, log *logbook) {
	t.Helper()
	m := inproc.NewMachine()
	r, err := zerobuffer.NewReader(m.Process(), bufferName,
		&zerobuffer.ReaderOptions{Logger: log.logger()})
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(m.Process(), bufferName,
		&zerobuffer.WriterOptions{Logger: log.logger()})
	require.NoError(t, err)
	require.NoError(t, errors.Join(w.Close(), r.Close()))
}

// TestOpenWriters counts the Writers of this process, on which it depends how a Reader looks for
// frames. No test of this package runs beside it.
func TestOpenWriters(t *testing.T) {
	before := zerobuffer.OpenWriters()
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	require.Equal(t, before+1, zerobuffer.OpenWriters())
	_, err := zerobuffer.NewWriter(g.writerP, bufferName, nil)
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)
	require.Equal(t, before+1, zerobuffer.OpenWriters())

	require.NoError(t, g.r.Close())
	g.renew(zerobuffer.ReaderOptions{})
	require.NoError(t, g.w.WriteFrame(t.Context(), []byte{1}))
	require.Equal(t, before+1, zerobuffer.OpenWriters(), "after it has connected again")

	for range 2 {
		require.NoError(t, g.w.Close())
		require.Equal(t, before, zerobuffer.OpenWriters())
	}
	dropWriter(t, g.Process(), new(logbook))
	collectUntil(func() bool { return zerobuffer.OpenWriters() <= before }) // or older ones
}
