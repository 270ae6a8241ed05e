package zerobuffer_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestRest: only a peer that tells of its end itself, or whose watch does, is looked after more
// rarely.
func TestRest(t *testing.T) {
	t.Parallel()
	const often, rarely = 200 * time.Millisecond, 500 * time.Millisecond
	g := newReaderRig(t, zerobuffer.ReaderOptions{})
	require.Equal(t, often, g.r.Rest(), "nobody is there")
	g.connect(zerobuffer.WriterOptions{})
	require.Equal(t, rarely, g.w.Rest())
	g.write(10, 'a')
	g.readRelease(1)
	require.Equal(t, rarely, g.r.Rest())
	require.Equal(t, 2*time.Second, g.r.RestAgain())
	for last, want := range map[time.Duration]time.Duration{
		2 * time.Second: rarely, 20 * time.Millisecond: 20 * time.Millisecond,
	} {
		rest, err := g.r.RestInVain(last)
		require.NoError(t, err)
		require.Equal(t, want, rest, "after a token in vain")
	}
	require.NoError(t, g.w.Close())
	_, err := g.r.ReadFrame(t.Context())
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	require.Equal(t, often, g.r.Rest(), "it has closed")
	require.Equal(t, often, g.r.RestAgain())
	g.connect(zerobuffer.WriterOptions{})
	g.write(10, 'b')
	g.readRelease(1)
	_, ok, err := g.r.TryReadFrame() // finds none, so it looks
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, rarely, g.r.Rest(), "another one has come")
	g.killWriter()
	_, err = g.r.ReadFrame(t.Context())
	require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	require.Equal(t, often, g.r.Rest(), "it is dead")

	b := &hookedBackend{foreign: true}
	foreign := newHookedRig(t, b, zerobuffer.ReaderOptions{}, reconnecting)
	require.Equal(t, often, foreign.w.Rest(), "who closes without a word")
	b.foreign = false
	require.NoError(t, foreign.r.Close())
	foreign.renew(zerobuffer.ReaderOptions{})
	foreign.awaitWritten([]byte{1})
	require.Equal(t, rarely, foreign.w.Rest(), "the next one is ours")
	var died func()
	stop := func() {}
	b = &hookedBackend{onWatch: func(f func()) func() { died = f; return stop }}
	require.Equal(t, rarely, newHookedRig(t, b, zerobuffer.ReaderOptions{},
		zerobuffer.WriterOptions{}).w.Rest())
	g = newHookedRig(t, b, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{})
	died()
	require.Equal(t, often, g.w.Rest(), "whose watch is over, though it lives")
	stop = nil
	require.Equal(t, often, newHookedRig(t, b, zerobuffer.ReaderOptions{},
		zerobuffer.WriterOptions{}).w.Rest(), "who cannot be watched")
}

// TestLooksGetRarer counts how often calls that wait look after their objects: after 0.5 s, the
// writer, which warns, after 1 s as well, and when the time is over. With a look each 0.5 s there
// would be two more.
func TestLooksGetRarer(t *testing.T) {
	t.Parallel()
	const within = 2200 * time.Millisecond
	spy := newSpyBackend()
	var looks atomic.Int64
	spy.onCheck = func() { looks.Add(1) }
	r, err := zerobuffer.NewReader(spy.process(), bufferName,
		&zerobuffer.ReaderOptions{PayloadSize: 1024, ReadTimeout: within})
	require.NoError(t, err)
	defer r.Close()
	w, err := zerobuffer.NewWriter(spy.process(), bufferName,
		&zerobuffer.WriterOptions{WriteTimeout: within})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.WriteFrame(t.Context(), make([]byte, 1000)))
	looks.Store(0)
	require.ErrorIs(t, w.WriteFrame(t.Context(), make([]byte, 1000)), zerobuffer.ErrBufferFull)
	require.LessOrEqual(t, looks.Load(), int64(3))
	f, err := r.ReadFrame(t.Context())
	require.NoError(t, err)
	f.Release()
	looks.Store(0)
	_, err = r.ReadFrame(t.Context())
	require.ErrorIs(t, err, zerobuffer.ErrTimeout)
	require.LessOrEqual(t, looks.Load(), int64(2))
	require.NotZero(t, looks.Load())
}
