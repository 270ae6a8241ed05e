package layout_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

func TestAlign(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]uint64{
		{0, 64, 0},
		{1, 64, 64},
		{63, 64, 64},
		{64, 64, 64},
		{65, 64, 128},
		{127, 64, 128},
		{5, 1, 5},
		{5, 8, 8},
		{4097, 4096, 8192},
		{layout.MaxSize, 64, (layout.MaxSize + 63) / 64 * 64},
	} {
		require.Equal(t, c[2], layout.Align(c[0], c[1]), "Align(%d, %d)", c[0], c[1])
	}
}

func TestNewGeometry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		metadata, payload int64
		want              layout.Geometry
		size              uint64
	}{
		{0, 1, layout.Geometry{MetadataSize: 0, PayloadSize: 64}, 192},
		{1, 64, layout.Geometry{MetadataSize: 64, PayloadSize: 64}, 256},
		{4096, 16 << 20, layout.Geometry{MetadataSize: 4096, PayloadSize: 16 << 20}, 16781440},
		{100, 1000, layout.Geometry{MetadataSize: 128, PayloadSize: 1024}, 1280},
	} {
		g, err := layout.NewGeometry(c.metadata, c.payload)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(c.want, g))
		require.Equal(t, c.size, g.SegmentSize())
		require.Equal(t, 128+c.want.MetadataSize, g.PayloadOffset())
	}
}

func TestNewGeometryLargest(t *testing.T) {
	t.Parallel()
	for _, metadata := range []int64{0, 1, 4096, layout.MaxSize - 129} {
		g, err := layout.NewGeometry(metadata, layout.MaxSize-128-metadata)
		require.NoError(t, err)
		require.LessOrEqual(t, g.SegmentSize(), uint64(math.MaxInt64))
		require.Greater(t, g.SegmentSize(), g.PayloadSize)
	}
}

func TestNewGeometryErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		metadata, payload int64
		text              string
	}{
		{"negative-metadata", -1, 64, "metadata size -1"},
		{"negative-payload", 0, -1, "payload size -1"},
		{"no-payload", 64, 0, "payload size 0"},
		{"lowest", math.MinInt64, math.MinInt64, "must not be negative"},
		{"metadata-overflows", math.MaxInt64, 64, "would be larger"},
		{"payload-overflows", 0, math.MaxInt64, "would be larger"},
		{"sum-overflows", math.MaxInt64 / 2, math.MaxInt64/2 + 1, "would be larger"},
		{"both-overflow", math.MaxInt64, math.MaxInt64, "would be larger"},
		{"one-byte-too-large", 0, layout.MaxSize - 127, "would be larger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, err := layout.NewGeometry(c.metadata, c.payload)
			require.ErrorContains(t, err, c.text)
			require.Zero(t, g)
		})
	}
}
