//go:build linux

package posixshm

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// look reads all of b.
func look(b []byte) error {
	bytes.Count(b, []byte{1})
	return nil
}

// requireUnguarded says that faults of this goroutine are no panics, as they were before.
func requireUnguarded(t *testing.T) {
	t.Helper()
	require.False(t, debug.SetPanicOnFault(false))
}

// TestTruncatedNested uses the frame of one buffer while a frame of another one is filled, and cuts
// off one of them: the call that the fault belongs to ends, and the other one is as good as before.
func TestTruncatedNested(t *testing.T) {
	outer := newCutRig(t)
	defer outer.close(t)
	t.Run("inner", func(t *testing.T) {
		inner := newCutRig(t)
		defer inner.close(t)
		require.NoError(t, outer.w.Fill(t.Context(), 10000, func(b []byte) (int, error) {
			require.NoError(t, cuts["nothing"](inner))
			require.ErrorIs(t, inner.copyHeld(b), zerobuffer.ErrSegmentTruncated)
			return 7, look(b)
		}))
		requireUnguarded(t)
	})
	t.Run("outer", func(t *testing.T) {
		inner := newCutRig(t)
		defer inner.close(t)
		err := outer.w.Fill(t.Context(), 10000, func(b []byte) (int, error) {
			require.NoError(t, cuts["nothing"](outer))
			err := inner.copyHeld(b)
			t.Error("the fault in the outer frame was given to the inner call")
			return 1, err
		})
		require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
		requireUnguarded(t)
		require.NoError(t, inner.held.Do(look))
		require.NoError(t, inner.w.WriteFrame(t.Context(), []byte("goes on")))
	})
}

// copyHeld copies the frame that is held.
func (g *cutRig) copyHeld(to []byte) error {
	return g.held.Do(func(b []byte) error {
		copy(to, b)
		return nil
	})
}

// TestFillGoexit ends the goroutine in the middle of a frame, as t.FailNow does.
func TestFillGoexit(t *testing.T) {
	g := newCutRig(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = g.w.Fill(t.Context(), 10, func([]byte) (int, error) {
			return 1, g.held.Do(func([]byte) error {
				runtime.Goexit()
				return nil
			})
		})
	}()
	<-ended
	require.NoError(t, g.w.WriteFrame(t.Context(), []byte("goes on")))
	require.NoError(t, g.held.Do(look))
	g.close(t)
}

// TestGuardKeepsWhatTheProgramSet has a program that wants panics for its own faults.
func TestGuardKeepsWhatTheProgramSet(t *testing.T) {
	g := newCutRig(t)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	require.NoError(t, g.w.WriteFrame(t.Context(), []byte{1}))
	require.NoError(t, g.held.Do(look))
	require.Panics(t, func() { _ = g.held.Do(func([]byte) error { panic(1) }) })
	require.NoError(t, cuts["nothing"](g))
	require.Error(t, g.w.WriteFrame(t.Context(), []byte{1}))
	require.ErrorIs(t, g.held.Do(look), zerobuffer.ErrSegmentTruncated)
	require.True(t, debug.SetPanicOnFault(true))
	g.close(t)
}

// TestFaultElsewhereInBatch has a fault in the middle of a batch, in memory of the program: the
// frames before that are not left half written.
func TestFaultElsewhereInBatch(t *testing.T) {
	g := newCutRig(t)
	other := g.otherMemory(t)
	require.Panics(t, func() {
		_, _ = g.w.WriteBatch(t.Context(), [][]byte{{1}, {2}, other})
	})
	require.Equal(t, uint64(4), g.w.FramesWritten())
	g.held.Release()
	for range 3 {
		f, ok, err := g.r.TryReadFrame()
		require.NoError(t, err)
		require.True(t, ok)
		f.Release()
	}
	require.NoError(t, g.w.WaitDrained(t.Context()))
	g.close(t)
}
