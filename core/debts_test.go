package zerobuffer_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// fastFrames is how many frames have to come without a block until the reader gives their space
// back late.
const fastFrames = 16

// newDebtor returns the sides of a ring of 64 KiB whose reader gives space back late, and the
// words that they share.
func newDebtor(t *testing.T) (*spyBackend, *rig, *layout.OIEB) {
	t.Helper()
	spy := newSpyBackend()
	g := &rig{Machine: spy.machine, t: t}
	var err error
	g.r, err = zerobuffer.NewReader(spy.process(), bufferName,
		&zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.r.Close()) })
	g.w, err = zerobuffer.NewWriter(spy.process(), bufferName, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.w.Close()) })
	g.passFast(t) // the reader meets the writer
	g.passFast(t)
	o := g.oieb()
	return spy, g, o
}

// passFast writes, reads and releases so many frames that space goes back late from then on.
func (g *rig) passFast(t *testing.T) {
	t.Helper()
	for range fastFrames {
		g.write(100, 'a')
	}
	for range fastFrames {
		f, err := g.r.ReadFrame(t.Context())
		require.NoError(t, err)
		f.Release()
	}
}

// TestReaderPaysWithoutCalls releases frames while they come fast, and then does nothing more: the
// space comes back all the same, each time.
func TestReaderPaysWithoutCalls(t *testing.T) {
	_, g, o := newDebtor(t)
	for range 3 {
		g.passFast(t)
		require.Eventually(t, func() bool { return o.PayloadFree.Load() == 1<<16 },
			10*time.Second, time.Millisecond, "the space of released frames does not come back")
		require.Equal(t, o.WritePos.Load(), o.ReadPos.Load())
	}
}

// TestReaderPaysAWaitingWriter releases a frame of 4 KiB, late, and reads the next one while one
// waits for space.
func TestReaderPaysAWaitingWriter(t *testing.T) {
	_, g, o := newDebtor(t)
	g.passFast(t)
	require.Eventually(t, func() bool { return o.PayloadFree.Load() == 1<<16 },
		10*time.Second, time.Millisecond) // nothing is owed from before
	g.write(4<<10, 'a')
	g.write(4<<10, 'b')
	g.write(100, 'c') // so that the one before it is not the last one that was seen
	space := g.raw().SpaceReady()
	space.Take(math.MaxInt32)
	wait := func() error { space.Wait(1, -1); return nil }
	require.NoError(t, whileBlocked(space, wait, func() {
		f, err := g.r.ReadFrame(t.Context())
		require.NoError(t, err)
		f.Release()
		_, err = g.r.ReadFrame(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1<<16-(4<<10+16)-116, o.PayloadFree.Load(),
			"the first frame was not given back")
	}))
}

// TestReaderOwesNothingWhileBlocked looks at the moment at which a reader blocks that has released
// frames late. A program that is then stopped owes nothing.
func TestReaderOwesNothingWhileBlocked(t *testing.T) {
	spy, g, o := newDebtor(t)
	var owed []uint64
	spy.onWait = func() { owed = append(owed, 1<<16-o.PayloadFree.Load()) }
	g.passFast(t)
	err := whileBlocked(g.raw().DataReady(), func() error {
		_, err := g.r.ReadFrame(context.Background())
		return err
	}, func() { g.write(1, 'b') })
	require.NoError(t, err)
	require.NotEmpty(t, owed, "the reader did not block")
	require.Zero(t, owed[0], "bytes owed while the reader blocks")
}

// TestReaderTakesUsedTokensBeforeBlock blocks a reader that has left used tokens in the semaphore.
// None of them may end the block.
func TestReaderTakesUsedTokensBeforeBlock(t *testing.T) {
	spy, g, _ := newDebtor(t)
	data := g.raw().DataReady()
	left, _ := data.State()
	require.NotZero(t, left, "no used token was left, so this test shows nothing")
	var atWait []uint32
	spy.onWait = func() {
		n, _ := data.State()
		atWait = append(atWait, n)
	}
	err := whileBlocked(data, func() error {
		_, err := g.r.ReadFrame(context.Background())
		return err
	}, func() { g.write(1, 'b') })
	require.NoError(t, err)
	require.NotEmpty(t, atWait, "the reader did not block")
	require.Zero(t, atWait[0], "tokens that were there when the reader blocked")
}

// TestReaderTakesUsedTokensNowAndThen reads more frames, without a block, than used tokens may
// stay in the semaphore.
func TestReaderTakesUsedTokensNowAndThen(t *testing.T) {
	_, g, _ := newDebtor(t)
	data, most := g.raw().DataReady(), uint32(0)
	for range 20 {
		g.passFast(t)
		n, _ := data.State()
		most = max(most, n)
	}
	require.Less(t, most, uint32(64))
}

// TestReaderGivesBackBehindTheLastFrame reads bursts that go far from the start of the ring. The
// release of the last frame gives everything back at once, so that the writer starts again at 0.
func TestReaderGivesBackBehindTheLastFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which no time passes that gives back by itself
		const ring, frame = 4 << 20, 20 << 10
		g := newRig(t, zerobuffer.ReaderOptions{PayloadSize: ring}, zerobuffer.WriterOptions{})
		var left []uint64 // not given back after each burst
		for range 3 {
			_, err := g.w.WriteBatch(t.Context(), numbered(fastFrames+4, frame))
			require.NoError(t, err)
			for range fastFrames + 4 {
				f, err := g.r.ReadFrame(t.Context())
				require.NoError(t, err)
				f.Release()
			}
			left = append(left, ring-g.oieb().PayloadFree.Load())
		}
		require.Equal(t, []uint64{0, 0, 0}, left)
		require.NoError(t, g.w.Close())
		require.NoError(t, g.r.Close())
	})
}
