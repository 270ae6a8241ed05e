package zerobuffer_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// bufferName is the name of the buffer of every rig.
const bufferName = "camera"

// rig is a machine with a reader process and a writer process that share one buffer.
type rig struct {
	*inproc.Machine
	t              testing.TB
	readerP        *inproc.Process
	writerP        *inproc.Process
	r              *zerobuffer.Reader
	w              *zerobuffer.Writer
	rlog, wlog     *logbook
	killed, silent bool
}

// newReaderRig returns a rig without a writer. The zero PayloadSize means 1024 here.
func newReaderRig(t testing.TB, opts zerobuffer.ReaderOptions) *rig {
	t.Helper()
	g := &rig{Machine: inproc.NewMachine(), t: t, rlog: new(logbook), wlog: new(logbook)}
	g.readerP = g.Process()
	if opts.PayloadSize == 0 {
		opts.PayloadSize = 1024
	}
	opts.Logger = g.rlog.logger()
	var err error
	g.r, err = zerobuffer.NewReader(g.readerP, bufferName, &opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		if !g.silent {
			require.NoError(t, g.r.Close())
		}
		if g.w != nil && !g.killed {
			require.NoError(t, g.w.Close())
		}
	})
	return g
}

// newRig returns a rig with a reader and a writer.
func newRig(t testing.TB, ro zerobuffer.ReaderOptions, wo zerobuffer.WriterOptions) *rig {
	t.Helper()
	g := newReaderRig(t, ro)
	g.connect(wo)
	return g
}

// smallRig is a rig with a ring of 1024 bytes and defaults.
func smallRig(t testing.TB) *rig {
	t.Helper()
	return newRig(t, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{})
}

// connect starts a new writer process and connects it.
func (g *rig) connect(opts zerobuffer.WriterOptions) *zerobuffer.Writer {
	g.t.Helper()
	g.writerP, g.killed = g.Process(), false
	opts.Logger = g.wlog.logger()
	w, err := zerobuffer.NewWriter(g.writerP, bufferName, &opts)
	require.NoError(g.t, err)
	g.w = w
	return w
}

// killWriter ends the process of the writer as SIGKILL would. The Writer is kept until the end of
// the test, because its collection would clean up.
func (g *rig) killWriter() {
	w := g.w
	g.t.Cleanup(func() { _ = w.Name() })
	g.writerP.Kill()
	g.killed = true
}

func (g *rig) closeWriter() { require.NoError(g.t, g.w.Close()) }

// killReader ends the process of the reader as SIGKILL would.
func (g *rig) killReader() {
	g.readerP.Kill()
	g.silent = true
}

// raw is the channel as a third program sees it, which claims nothing.
func (g *rig) raw() driver.Channel {
	g.t.Helper()
	ch, err := g.Process().Open(bufferName, driver.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(g.t, err)
	return ch
}

// memory is the whole segment.
func (g *rig) memory() []byte { return g.raw().Memory() }

// oieb is the OIEB of the segment.
func (g *rig) oieb() *layout.OIEB {
	g.t.Helper()
	o, err := layout.View(g.memory())
	require.NoError(g.t, err)
	return o
}

// payload is the payload block of the segment.
func (g *rig) payload() []byte {
	g.t.Helper()
	seg, err := layout.Attach(g.memory())
	require.NoError(g.t, err)
	return seg.Payload
}

// write writes one frame of n bytes that hold fill, or a failing test.
func (g *rig) write(n int, fill byte) {
	g.t.Helper()
	ok, err := g.w.TryWriteFrame(bytes.Repeat([]byte{fill}, n))
	require.NoError(g.t, err)
	require.True(g.t, ok, "ring is full")
}

// read returns the next frame, which must be there.
func (g *rig) read() zerobuffer.Frame {
	g.t.Helper()
	f, ok, err := g.r.TryReadFrame()
	require.NoError(g.t, err)
	require.True(g.t, ok, "ring is empty")
	return f
}

// readRelease reads the next n frames and releases each.
func (g *rig) readRelease(n int) {
	g.t.Helper()
	for range n {
		g.read().Release()
	}
}

// fill writes frames of n bytes until the ring is full and returns how many there are.
func (g *rig) fill(n int) int {
	g.t.Helper()
	for i := 0; ; i++ {
		ok, err := g.w.TryWriteFrame(make([]byte, n))
		require.NoError(g.t, err)
		if !ok {
			return i
		}
	}
}

// awaitBlocked returns when somebody sleeps on s.
func awaitBlocked(s driver.Semaphore) {
	for {
		if _, waiters := s.State(); waiters > 0 {
			return
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// whileBlocked runs call in a goroutine, runs then when call sleeps on s, and returns the error of
// call.
func whileBlocked(s driver.Semaphore, call func() error, then func()) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	awaitBlocked(s)
	then()
	return <-done
}

// requireUnchanged runs f, which must not change a byte of the segment.
func (g *rig) requireUnchanged(f func()) {
	g.t.Helper()
	mem := g.memory()
	before := bytes.Clone(mem)
	f()
	require.True(g.t, bytes.Equal(before, mem), "the segment was changed")
}

// ended is a context that has been cancelled.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// expired is a context whose deadline is over.
func expired(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	t.Cleanup(cancel)
	return ctx
}

// requireErrors says which of the wanted errors err does not match.
func requireErrors(t testing.TB, err error, want ...error) {
	t.Helper()
	require.Error(t, err)
	for _, target := range want {
		if !errors.Is(err, target) {
			t.Fatalf("error %q is not %q", err, target)
		}
	}
}

// logbook keeps what is logged.
type logbook struct {
	onEntry func(entry string) // called after each entry unless nil
	mu      sync.Mutex
	entries []string
}

func (l *logbook) logger() *slog.Logger { return slog.New(l) }

// Enabled says yes to Debug and above: below that, entries per frame are allowed.
func (l *logbook) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelDebug
}

func (l *logbook) Handle(_ context.Context, rec slog.Record) error {
	entry := rec.Level.String() + " " + rec.Message
	l.mu.Lock()
	l.entries = append(l.entries, entry)
	l.mu.Unlock()
	if l.onEntry != nil {
		l.onEntry(entry)
	}
	return nil
}

func (l *logbook) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logbook) WithGroup(string) slog.Handler      { return l }

// all returns what was logged so far.
func (l *logbook) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}
