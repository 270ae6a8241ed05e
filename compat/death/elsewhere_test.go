//go:build linux

package death

import (
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// elsewhere runs a test with each kind of buffer and of writer for which the rule holds. The reader
// waits for as long as it takes, and the writer is number 1 in a PID namespace.
func elsewhere(t *testing.T, test func(t *testing.T, e *writerElsewhere)) {
	t.Parallel()
	needRoot(t)
	for _, c := range []struct{ kind, claims string }{
		{"posix", "ours"}, {"posix", "foreign"}, {"memfd", "ours"},
	} {
		t.Run(c.kind+"-"+c.claims, func(t *testing.T) {
			p, name := newPlace(t, c.kind), newName()
			r, err := zerobuffer.NewReader(p.backend(), name+"read-frame", patient())
			require.NoError(t, err)
			defer r.Close()
			test(t, &writerElsewhere{t: t, p: p, name: name, claims: c.claims, r: r})
		})
	}
}

type writerElsewhere struct {
	t            *testing.T
	p            place
	name, claims string
	r            *zerobuffer.Reader
}

// start starts the writer elsewhere, which writes frame 1.
func (e *writerElsewhere) start() *testproc.Child {
	e.t.Helper()
	v := begin(e.t, container(), "boxed", "victim", e.p.kind, e.p.dir, e.name, "read-frame", e.claims)
	require.Equal(e.t, "made", v.Line())
	v.Step()
	require.Equal(e.t, "ready 1", v.Line())
	return v
}

// next is the writer that connects from here, and writes frame 2.
func (e *writerElsewhere) next() *zerobuffer.Writer {
	e.t.Helper()
	w, err := zerobuffer.NewWriter(e.p.backend(), e.name+"read-frame", nil)
	require.NoError(e.t, err)
	require.NoError(e.t, w.WriteFrame(background, []byte{2}))
	return w
}

// TestNextWriterElsewhereCrossProcess kills a writer that is number 1 in a PID namespace, in front
// of a reader that goes on reading, and connects at once from here, where 1 is a living process:
// the next writer waits until the reader has found out that its predecessor is dead.
func TestNextWriterElsewhereCrossProcess(t *testing.T) {
	elsewhere(t, func(t *testing.T, e *writerElsewhere) {
		frames, last := make(chan uint64), make(chan error)
		go func() { last <- readOn(e.r, frames) }()
		v := e.start()
		require.EqualValues(t, 1, <-frames)
		v.Kill()
		defer e.next().Close()
		require.EqualValues(t, 2, <-frames)
		require.NoError(t, e.r.Close())
		require.ErrorIs(t, <-last, zerobuffer.ErrClosed)
	})
}

// A reader that only waits for a writer has to notice, too: the next one waits for that.
func TestNextWriterElsewhereWaitWriterCrossProcess(t *testing.T) {
	elsewhere(t, func(t *testing.T, e *writerElsewhere) {
		e.start().Kill()
		frames, last := make(chan uint64, 2), make(chan error)
		go func() {
			// It may take the next one for the dead one, and read on.
			if err := e.r.WaitWriter(background); err != nil {
				last <- err
				return
			}
			last <- readOn(e.r, frames)
		}()
		defer e.next().Close()
		require.EqualValues(t, 1, <-frames)
		require.EqualValues(t, 2, <-frames)
		require.NoError(t, e.r.Close())
		require.ErrorIs(t, <-last, zerobuffer.ErrClosed)
	})
}
