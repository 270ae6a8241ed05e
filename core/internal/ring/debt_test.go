package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// debtor is a ring full of frames of 40 bytes, and a reader of ours that gives space back late.
type debtor struct {
	t     *testing.T
	c     *Consumer
	space *sem
}

func newDebtor(t *testing.T, size uint64) debtor {
	t.Helper()
	return newDebtorOf(t, size, 24)
}

// newDebtorOf has payloads of n bytes.
func newDebtorOf(t *testing.T, size, n uint64) debtor {
	t.Helper()
	seg, space := newSegment(size), &sem{}
	d := debtor{t: t, c: NewConsumer(seg, space), space: space}
	p := NewProducer(seg, &sem{}, 0)
	_, err := p.Attach(false)
	require.NoError(t, err)
	for range size / (n + 16) {
		b, err := p.Open(n)
		require.NoError(t, err)
		require.NotNil(t, b)
		require.NoError(t, p.Seal(n))
	}
	require.NoError(t, p.Flush())
	return d
}

// owed is how many bytes of released frames have not gone back.
func (d debtor) owed() uint64 { return d.c.sum - d.c.given.Load() }

// release reads a frame and releases it.
func (d debtor) release() Released {
	d.t.Helper()
	var it Item
	ok, err := d.c.Next(false, &it)
	require.NoError(d.t, err)
	require.True(d.t, ok)
	return d.c.Release(it.Ticket)
}

// An eighth of the ring is 128 bytes: three frames may be owed, the fourth makes them due.
func TestReleaseDueAtEighth(t *testing.T) {
	d := newDebtor(t, 1024)
	for range 5 {
		for range 3 {
			require.Equal(t, Owed, d.release())
		}
		require.Equal(t, Due, d.release())
		free := d.c.oieb.PayloadFree.Load()
		require.Zero(t, d.c.GiveBack())
		require.Equal(t, free+160, d.c.oieb.PayloadFree.Load())
	}
}

// Of a large ring it is less: a fast writer needs the front of it.
func TestReleaseDueInLargeRing(t *testing.T) {
	d := newDebtorOf(t, 16<<20, 500_000)
	for range 2 {
		require.Equal(t, Owed, d.release())
	}
	require.Equal(t, Due, d.release(), "1 MiB")
}

func TestPay(t *testing.T) {
	d := newDebtor(t, 1024)
	d.space.waiters = 1
	d.c.Pay()
	require.Zero(t, d.space.tokens, "nothing is owed")
	require.Equal(t, Owed, d.release())
	d.c.Pay()
	require.EqualValues(t, 1, d.space.tokens, "the writer was not told")
	require.Zero(t, d.owed())
	d.space.waiters = 0
	require.Equal(t, Owed, d.release())
	d.c.Pay()
	require.NotZero(t, d.owed(), "nobody waits")
}

// TestPayNowAndThen reads small frames while the writer waits: it is looked for once in 4 KiB.
func TestPayNowAndThen(t *testing.T) {
	d := newDebtor(t, 64<<10)
	d.space.waiters = 1
	for owed := uint64(40); owed < payEvery+40; owed += 40 {
		require.Equal(t, Owed, d.release())
		require.Equal(t, owed, d.owed())
	}
	require.Zero(t, d.space.tokens)
	require.Equal(t, Owed, d.release())
	require.EqualValues(t, 40, d.owed(), "what was owed before the last frame is back")
	require.EqualValues(t, 1, d.space.tokens, "the writer was not told")
}

// With Hurry nothing is owed, until it is taken back.
func TestReleaseDueInHurry(t *testing.T) {
	d := newDebtor(t, 1024)
	d.c.Hurry(EachFrame)
	require.Equal(t, Due, d.release())
	d.c.GiveBack()
	d.c.Hurry(NoHaste)
	require.Equal(t, Owed, d.release())
}

// With haste for the last frame, the frames before it wait for that one.
func TestReleaseDueForLastFrame(t *testing.T) {
	d := newDebtor(t, 1024)
	var items [3]Item
	for i := range items {
		ok, err := d.c.Next(false, &items[i])
		require.NoError(t, err)
		require.True(t, ok)
	}
	d.c.Hurry(LastFrame)
	require.Equal(t, Owed, d.c.Release(items[0].Ticket))
	require.Equal(t, Owed, d.c.Release(items[1].Ticket))
	require.Equal(t, Due, d.c.Release(items[2].Ticket))
}

// While frames stream in, the writer is told that nothing is unread only if much is owed.
func TestCouldRestart(t *testing.T) {
	const payload = 4096 - 16
	seg := newSegment(1 << 20)
	w, r := NewProducer(seg, &sem{}, 0), NewConsumer(seg, &sem{})
	_, err := w.Attach(false)
	require.NoError(t, err)
	read := func() {
		b, err := w.Open(payload)
		require.NoError(t, err)
		require.NotNil(t, b)
		require.NoError(t, w.Seal(payload))
		require.NoError(t, w.Flush())
		var it Item
		ok, err := r.Next(false, &it)
		require.NoError(t, err)
		require.True(t, ok)
		r.Release(it.Ticket)
	}
	for range lookEvery/4096 - 1 {
		read()
		require.False(t, r.CouldRestart(false), "it is too early at %d", r.pos)
	}
	read()
	require.True(t, r.CouldRestart(true))
	r.GiveBack()
	require.False(t, r.CouldRestart(true), "nothing is owed")
	require.True(t, r.CouldRestart(false))
	r.unread = 4096
	require.False(t, r.CouldRestart(false), "there is a frame to be read")
}
