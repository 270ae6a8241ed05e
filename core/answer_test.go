package zerobuffer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// passAtOnce has the reader find so many frames by one look.
func (g *rig) passAtOnce(t *testing.T, frames int) {
	t.Helper()
	_, err := g.w.WriteBatch(t.Context(), numbered(frames, 48))
	require.NoError(t, err)
	for range frames {
		f, err := g.r.ReadFrame(t.Context())
		require.NoError(t, err)
		f.Release()
	}
}

// alone waits until no Writer is open. It is for tests beside which no other one runs; those before
// may have left a Writer to the collector.
func alone(t *testing.T) {
	t.Helper()
	collectUntil(func() bool { return zerobuffer.OpenWriters() == 0 })
	require.Zero(t, zerobuffer.OpenWriters())
}

// TestReaderExpectsAnswer looks where a Reader expects the answer. Who writes to it stands for the
// one that answers as well: all are in one process here, but have PIDs of their own.
func TestReaderExpectsAnswer(t *testing.T) {
	alone(t)
	const frame = 64 // header included
	g := smallRig(t)
	for n := range 3 {
		g.passAtOnce(t, 1)
		require.EqualValues(t, (n+1)*frame, g.r.Answered())
	}
	g.passAtOnce(t, 2)
	require.EqualValues(t, 3*frame, g.r.Answered(), "frames stream in")
	g.passAtOnce(t, 1)
	require.EqualValues(t, 6*frame, g.r.Answered())

	other := smallRig(t)
	g.passAtOnce(t, 1)
	require.EqualValues(t, 6*frame, g.r.Answered(), "one of two may answer")
	require.NoError(t, other.w.Close())
	require.Eventually(t, func() bool {
		g.passAtOnce(t, 1)
		return g.r.Answered() != 6*frame
	}, 10*time.Second, time.Microsecond, "the one that is left")

	require.True(t, zerobuffer.Answering())
	require.NoError(t, g.w.Close())
	require.False(t, zerobuffer.Answering(), "it keeps memory that nobody uses")
}

// TestReaderExpectsAnswerInTheNextBuffer has a Writer that goes on in the buffer of another reader.
func TestReaderExpectsAnswerInTheNextBuffer(t *testing.T) {
	alone(t)
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	for range 2 {
		g.passAtOnce(t, 1)
	}
	leaves["closed"](g)
	g.renew(zerobuffer.ReaderOptions{})
	g.passAtOnce(t, 1)
	require.EqualValues(t, 64, g.r.Answered())
}

// TestReaderExpectsNoAnswerFromItsWriter has one process on both sides of a buffer.
func TestReaderExpectsNoAnswerFromItsWriter(t *testing.T) {
	alone(t)
	g := newReaderRig(t, zerobuffer.ReaderOptions{})
	var err error
	g.w, err = zerobuffer.NewWriter(g.readerP, bufferName, nil)
	require.NoError(t, err)
	g.passAtOnce(t, 1) // of a writer that the reader does not know yet
	before := g.r.Answered()
	for range 3 {
		g.passAtOnce(t, 1)
	}
	require.Equal(t, before, g.r.Answered())
}
