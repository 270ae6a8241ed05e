package zerobuffer_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// brim posts tokens, as a broken peer might, until the semaphore has room for left more.
func brim(t testing.TB, s driver.Semaphore, left uint32) {
	t.Helper()
	tokens, _ := s.State()
	err := s.Post(math.MaxInt32 - left - tokens)
	if err != nil && !errors.Is(err, driver.ErrOverflow) { // somebody may post in between
		t.Error(err)
	}
}

// limited is a context for a call that must not hang.
func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A peer has left so many tokens that posts fail. They say nothing, and frames come as ever; the
// reader takes the tokens away when it looks for frames.
func TestFullDataSemaphore(t *testing.T) {
	t.Parallel()
	for _, left := range []uint32{0, 1, 2} {
		g := smallRig(t)
		data := g.raw().DataReady()
		for round := range 100 { // from the 16th frame on the reader takes tokens late
			brim(t, data, left)
			if round%3 == 0 {
				g.requireEmpty()
				brim(t, data, left)
			}
			for range 3 {
				g.write(20, byte(round))
			}
			for range 3 {
				f, err := g.r.ReadFrame(limited(t))
				require.NoError(t, err)
				require.Equal(t, byte(round), f.Bytes()[0])
				f.Release()
			}
			g.requireEmpty() // has tokens for more
			g.requireEmpty() // looks again
			tokens, _ := data.State()
			require.Zero(t, tokens, "they are taken away")
		}
		require.EqualValues(t, 300, g.r.FramesRead())
	}
}

// At the end of a batch a reader has seen the tokens and found no frame for them, and it has not
// taken them away yet.
func TestFullDataSemaphoreAfterBatch(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(1, 'a')
	g.readRelease(1)
	brim(t, g.raw().DataReady(), 0)
	g.write(1, 'b')
	frames := make([]zerobuffer.Frame, 10)
	n, err := g.r.ReadBatch(limited(t), frames)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	g.write(1, 'c') // has no token of its own, if the semaphore is still full
	f, err := g.r.ReadFrame(limited(t))
	require.NoError(t, err)
	require.Equal(t, byte('c'), f.Bytes()[0])
}

func (g *rig) requireEmpty() {
	g.t.Helper()
	_, ok, err := g.r.TryReadFrame()
	require.NoError(g.t, err)
	require.False(g.t, ok)
}

// A reader that sleeps is woken by such tokens, and goes to sleep again without them.
func TestFullDataSemaphoreWakesReader(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(1, 'a')
	g.readRelease(1)
	data := g.raw().DataReady()
	err := whileBlocked(data, func() error {
		f, err := g.r.ReadFrame(limited(t))
		f.Release()
		return err
	}, func() {
		brim(t, data, 1)
		for tokens := uint32(1); tokens > 0; time.Sleep(50 * time.Microsecond) {
			tokens, _ = data.State()
		}
		awaitBlocked(data)
		g.write(1, 'b')
	})
	require.NoError(t, err)
	require.EqualValues(t, 2, g.r.FramesRead())
}

// Both semaphores are filled all the time while frames stream through a small ring.
func TestFullSemaphoresConcurrentSafe(t *testing.T) {
	const frames = 5000
	g := smallRig(t)
	ch := g.raw()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for g.r.FramesRead() < frames {
			brim(t, ch.DataReady(), 1)
			brim(t, ch.SpaceReady(), 0)
			time.Sleep(20 * time.Microsecond)
		}
	}()
	wrote := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < frames && err == nil; i++ {
			err = g.w.WriteFrame(limited(t), make([]byte, 1+i%300))
		}
		wrote <- err
	}()
	for seq := uint64(1); seq <= frames; seq++ {
		f, err := g.r.ReadFrame(limited(t))
		require.NoError(t, err)
		require.Equal(t, seq, f.Sequence())
		f.Release()
	}
	require.NoError(t, <-wrote)
	<-ended
}

// Tokens that tell of space which is not there do not keep a writer busy: it takes them all at once
// and sleeps.
func TestFullSpaceSemaphore(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.fill(100)
	space := g.raw().SpaceReady()
	brim(t, space, 0)
	err := whileBlocked(space, func() error {
		return g.w.WriteFrame(limited(t), make([]byte, 100))
	}, func() {
		tokens, _ := space.State()
		require.Zero(t, tokens)
		brim(t, space, 0)
		for tokens := uint32(1); tokens > 0; time.Sleep(50 * time.Microsecond) {
			tokens, _ = space.State()
		}
		awaitBlocked(space)
		g.readRelease(2)
	})
	require.NoError(t, err)
}

// Both sides can close while the semaphores are full, and the other one learns of it.
func TestCloseWithFullSemaphores(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	ch := g.raw()
	g.write(1, 'a')
	brim(t, ch.DataReady(), 0)
	brim(t, ch.SpaceReady(), 0)
	require.NoError(t, g.w.Close())
	g.readRelease(1)
	_, err := g.r.ReadFrame(limited(t))
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	w := g.connect(zerobuffer.WriterOptions{})
	brim(t, ch.SpaceReady(), 0)
	require.NoError(t, g.r.Close())
	require.ErrorIs(t, w.WriteFrame(limited(t), []byte{1}), zerobuffer.ErrReaderClosed)
}

// TestReserveMostBytes asks for more than any ring can hold. The size of the ring that would be
// needed is still a size.
func TestReserveMostBytes(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	_, err := g.w.Reserve(t.Context(), math.MaxInt)
	size, ok := errors.AsType[*zerobuffer.FrameSizeError](err)
	require.True(t, ok, "%v", err)
	require.Positive(t, size.Ring)
	require.NotContains(t, err.Error(), "-")
}
