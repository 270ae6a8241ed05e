package zerobuffer_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

func TestNewReaderDefaults(t *testing.T) {
	t.Parallel()
	m := inproc.NewMachine()
	r, err := zerobuffer.NewReader(m.Process(), bufferName, nil)
	require.NoError(t, err)
	defer r.Close()
	require.Equal(t, bufferName, r.Name())
	g := rig{Machine: m, t: t}
	seg, err := layout.Attach(g.memory())
	require.NoError(t, err)
	want := layout.Geometry{MetadataSize: 4096, PayloadSize: 16 << 20}
	require.Empty(t, cmp.Diff(want, seg.Geometry))
}

func TestNewReaderRoundsSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		opts zerobuffer.ReaderOptions
		want layout.Geometry
	}{
		{"smallest", zerobuffer.ReaderOptions{PayloadSize: 1, MetadataSize: 1}, layout.Geometry{
			MetadataSize: 64, PayloadSize: 64,
		}},
		{"no-metadata", zerobuffer.ReaderOptions{PayloadSize: 64, MetadataSize: -1}, layout.Geometry{
			MetadataSize: 0, PayloadSize: 64,
		}},
		{"next-multiple", zerobuffer.ReaderOptions{PayloadSize: 65, MetadataSize: 129}, layout.Geometry{
			MetadataSize: 192, PayloadSize: 128,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newReaderRig(t, c.opts)
			seg, err := layout.Attach(g.memory())
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(c.want, seg.Geometry))
			require.Len(t, g.memory(), int(c.want.SegmentSize()))
		})
	}
}

func TestNewReaderBadOptions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]zerobuffer.ReaderOptions{
		"negative-payload":  {PayloadSize: -1},
		"overflowing-sizes": {PayloadSize: math.MaxInt64, MetadataSize: math.MaxInt64},
		"negative-time-out": {ReadTimeout: -time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := inproc.New()
			_, err := zerobuffer.NewReader(p, bufferName, &opts)
			require.ErrorContains(t, err, `create buffer "camera": `)
			_, err = zerobuffer.NewWriter(p, bufferName, nil)
			require.ErrorIs(t, err, zerobuffer.ErrBufferNotFound, "something was left")
		})
	}
}

func TestNewReaderNameInUse(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(100, 'a')
	g.requireUnchanged(func() {
		_, err := zerobuffer.NewReader(g.Process(), bufferName, nil)
		require.ErrorIs(t, err, zerobuffer.ErrReaderConnected)
	})
	require.Equal(t, uint64(1), g.read().Sequence())
}

func TestNewReaderReplacesDeadReader(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(100, 'a')
	g.killReader()
	r, err := zerobuffer.NewReader(g.Process(), bufferName, &zerobuffer.ReaderOptions{PayloadSize: 64})
	require.NoError(t, err)
	defer r.Close()
	_, ok, err := r.TryReadFrame()
	require.NoError(t, err)
	require.False(t, ok, "frames of the dead reader's buffer are not those of the new one")
}

func TestReaderTryReadFrameEmpty(t *testing.T) {
	t.Parallel()
	g := newReaderRig(t, zerobuffer.ReaderOptions{})
	f, ok, err := g.r.TryReadFrame()
	require.NoError(t, err)
	require.False(t, ok)
	require.False(t, f.Valid())
	g.connect(zerobuffer.WriterOptions{})
	_, ok, err = g.r.TryReadFrame()
	require.NoError(t, err)
	require.False(t, ok)
}

func TestReaderCounters(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(100, 'a')
	g.write(50, 'b')
	a, b := g.read(), g.read()
	require.Equal(t, uint64(2), g.r.FramesRead())
	require.Equal(t, uint64(150), g.r.BytesRead())
	require.Equal(t, uint64(2), g.w.FramesWritten())
	require.Equal(t, uint64(150), g.w.BytesWritten())
	want := zerobuffer.ReaderStats{
		FramesRead: 2, BytesRead: 150, Held: 2,
		PayloadSize: 1024, PayloadFree: 1024 - 2*16 - 150,
	}
	require.Empty(t, cmp.Diff(want, g.r.Stats()))
	b.Release()
	require.Equal(t, want.PayloadFree, g.r.Stats().PayloadFree, "space goes back in order")
	a.Release()
	want.Held, want.PayloadFree = 0, 1024
	require.Empty(t, cmp.Diff(want, g.r.Stats()))
}

func TestReaderStatsWaits(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	err := whileBlocked(g.raw().DataReady(), func() error {
		_, err := g.r.ReadFrame(context.Background())
		return err
	}, func() { g.write(1, 'a') })
	require.NoError(t, err)
	require.NotZero(t, g.r.Stats().Waits)
}

func TestReaderWriterRestartsAtOne(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(8, 'a')
	g.readRelease(1)
	g.write(8, 'b')
	layout.WriteSeq(g.payload()[24:], 1) // as writers of other languages do
	f := g.read()
	require.Equal(t, uint64(1), f.Sequence())
	require.Equal(t, uint64(1), g.r.Stats().WriterRestarts)
}
