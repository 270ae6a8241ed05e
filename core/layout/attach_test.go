package layout_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// segment returns the memory of a fresh segment: metadata 64, payload 128, reader 1234.
func segment(t testing.TB) []byte {
	t.Helper()
	g, err := layout.NewGeometry(64, 128)
	require.NoError(t, err)
	mem := make([]byte, g.SegmentSize())
	_, err = layout.Format(mem, g, 1234)
	require.NoError(t, err)
	return mem
}

func TestAttach(t *testing.T) {
	t.Parallel()
	mem := segment(t)
	before := bytes.Clone(mem)
	seg, err := layout.Attach(mem)
	require.NoError(t, err)
	want := layout.Geometry{MetadataSize: 64, PayloadSize: 128}
	require.Empty(t, cmp.Diff(want, seg.Geometry))
	requireInside(t, seg, mem)
	require.Equal(t, before, mem, "Attach wrote")
	seg.OIEB.PayloadSize.Store(1 << 40)
	require.Empty(t, cmp.Diff(want, seg.Geometry), "geometry is a private copy")
}

// TestAttachAccepts lists what differs between peers and is compatible all the same.
func TestAttachAccepts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*layout.OIEB){
		"newer-minor":         func(o *layout.OIEB) { o.Version = [4]uint8{1, 9, 9, 9} },
		"smaller-than-mapped": func(o *layout.OIEB) { o.PayloadSize.Store(64) },
		"no-metadata":         func(o *layout.OIEB) { o.MetadataSize.Store(0) },
		"reserved-in-use":     func(o *layout.OIEB) { o.Reserved[3] = 1 },
		"smallest-ring":       func(o *layout.OIEB) { o.PayloadSize.Store(17) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mem := segment(t)
			o, err := layout.View(mem)
			require.NoError(t, err)
			change(o)
			seg, err := layout.Attach(mem)
			require.NoError(t, err)
			requireInside(t, seg, mem)
		})
	}
}

func TestAttachRefuses(t *testing.T) {
	t.Parallel()
	const most = math.MaxUint64
	for _, c := range []struct {
		name   string
		change func(*layout.OIEB)
		want   error
		text   string
	}{
		{"oieb-size-0", func(o *layout.OIEB) { o.Size.Store(0) }, layout.ErrNotReady, "is 0"},
		{"oieb-size", func(o *layout.OIEB) { o.Size.Store(64) }, layout.ErrIncompatible, "64"},
		{"no-reader", func(o *layout.OIEB) { o.ReaderPID.Store(0) }, layout.ErrNotReady, "reader_pid"},
		{"major", func(o *layout.OIEB) { o.Version[0] = 2 }, layout.ErrIncompatible, "2.0.0"},
		{"major-0", func(o *layout.OIEB) { o.Version[0] = 0 }, layout.ErrIncompatible, "0.0.0"},
		{"version-not-written", func(o *layout.OIEB) {
			o.Version[0] = 0
			o.ReaderPID.Store(0)
		}, layout.ErrNotReady, "reader_pid"},
		{"payload-0", setPayload(0), layout.ErrIncompatible, "payload_size is 0"},
		{"payload-16", setPayload(16), layout.ErrIncompatible, "too small"},
		{"payload-too-large", setPayload(129), layout.ErrIncompatible, "the segment has 320"},
		{"payload-overflows", setPayload(most), layout.ErrIncompatible, "payload_size"},
		{"payload-wraps-around", setPayload(most - 127 - 64 + 1), layout.ErrIncompatible, "payload_size"},
		{"metadata-too-large", setMetadata(200), layout.ErrIncompatible, "metadata_size is 200"},
		{"metadata-overflows", setMetadata(most - 63), layout.ErrIncompatible, "metadata_size"},
		{"metadata-leaves-too-little", setMetadata(128), layout.ErrIncompatible, "before the payload"},
		{"metadata-misaligned", setMetadata(60), layout.ErrIncompatible, "multiple of 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mem := segment(t)
			o, err := layout.View(mem)
			require.NoError(t, err)
			c.change(o)
			before := bytes.Clone(mem)
			seg, err := layout.Attach(mem)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.Nil(t, seg.OIEB)
			require.Equal(t, before, mem, "something was written")
		})
	}
}

func setPayload(n uint64) func(*layout.OIEB) {
	return func(o *layout.OIEB) { o.PayloadSize.Store(n) }
}

func setMetadata(n uint64) func(*layout.OIEB) {
	return func(o *layout.OIEB) { o.MetadataSize.Store(n) }
}

func TestAttachShortMemory(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 64, 127} {
		_, err := layout.Attach(make([]byte, n))
		require.ErrorIs(t, err, layout.ErrNotReady, "%d bytes", n)
	}
	_, err := layout.Attach(make([]byte, 128))
	require.ErrorIs(t, err, layout.ErrNotReady)
	_, err = layout.Attach(segment(t)[:128])
	require.ErrorIs(t, err, layout.ErrIncompatible)
}

func TestAttachMisalignedMemory(t *testing.T) {
	t.Parallel()
	for _, shift := range []int{1, 2, 4} {
		_, err := layout.Attach(segment(t)[shift:])
		require.ErrorIs(t, err, layout.ErrIncompatible)
	}
}

func TestFormatTooSmall(t *testing.T) {
	t.Parallel()
	g, err := layout.NewGeometry(64, 128)
	require.NoError(t, err)
	for _, n := range []uint64{0, 127, 128, g.SegmentSize() - 1} {
		mem := make([]byte, n)
		_, err := layout.Format(mem, g, 1)
		require.Error(t, err)
		require.Equal(t, make([]byte, n), mem, "something was written")
	}
}

// requireInside checks that the blocks lie inside mem, and that append cannot leave them.
func requireInside(t testing.TB, seg layout.Segment, mem []byte) {
	t.Helper()
	g := seg.Geometry
	require.Equal(t, g.MetadataSize, uint64(len(seg.Metadata)))
	require.Equal(t, g.PayloadSize, uint64(len(seg.Payload)))
	require.Equal(t, len(seg.Metadata), cap(seg.Metadata))
	require.Equal(t, len(seg.Payload), cap(seg.Payload))
	require.LessOrEqual(t, 128+len(seg.Metadata)+len(seg.Payload), len(mem))
	if len(seg.Metadata) > 0 {
		require.Same(t, &mem[128], &seg.Metadata[0])
	}
	require.Same(t, &mem[128+len(seg.Metadata)], &seg.Payload[0])
}
