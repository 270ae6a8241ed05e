package layout_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/internal/golden"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// read returns the bytes of a file of testdata. The files follow the wire contract and were not
// made by this package.
func read(t testing.TB, name string) []byte {
	t.Helper()
	return golden.Read(t, filepath.Join("testdata", name+".hex"))
}

func TestFormatGolden(t *testing.T) {
	t.Parallel()
	g, err := layout.NewGeometry(4096, 16<<20)
	require.NoError(t, err)
	mem := make([]byte, g.SegmentSize())
	seg, err := layout.Format(mem, g, 1234)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(read(t, "fresh"), mem[:layout.OIEBSize]))
	require.Equal(t, make([]byte, len(mem)-128), mem[128:], "the blocks were touched")
	require.Len(t, seg.Metadata, 4096)
	require.Equal(t, 4096, cap(seg.Metadata))
	require.Len(t, seg.Payload, 16<<20)
	require.Equal(t, 16<<20, cap(seg.Payload))
	require.Same(t, &mem[128], &seg.Metadata[0])
	require.Same(t, &mem[128+4096], &seg.Payload[0])
}

// TestOIEBOffsets reads a block in which every field has another value.
func TestOIEBOffsets(t *testing.T) {
	t.Parallel()
	o, err := layout.View(read(t, "distinct"))
	require.NoError(t, err)
	require.Equal(t, uint32(0x0d0c0b0a), o.Size.Load())
	require.Equal(t, [4]uint8{1, 2, 3, 4}, o.Version)
	const step = 0x0101010101010101
	want := make([]uint64, 11)
	for i := range want {
		want[i] = step * uint64(0x11+i)
	}
	got := []uint64{
		o.MetadataSize.Load(), o.MetadataFree.Load(), o.MetadataWritten.Load(),
		o.PayloadSize.Load(), o.PayloadFree.Load(), o.WritePos.Load(), o.ReadPos.Load(),
		o.WrittenCount.Load(), o.ReadCount.Load(), o.WriterPID.Load(), o.ReaderPID.Load(),
	}
	require.Empty(t, cmp.Diff(want, got))
	require.Equal(t, [4]uint64{step * 0x21, step * 0x22, step * 0x23, step * 0x24}, o.Reserved)
}

func TestHeaderGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		header           layout.Header
		number           uint64
		wrap, unfinished bool
	}{
		{"frame", layout.Header{Size: 5, Seq: 7}, 7, false, false},
		{"unfinished", layout.Header{Size: 5, Seq: 7 | 1<<63}, 7, false, true},
		{"marker", layout.Header{}, 0, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := read(t, c.name)
			got := bytes.Clone(want)
			for i := range layout.HeaderSize {
				got[i] = 0xee
			}
			layout.WriteSize(got, c.header.Size)
			layout.WriteSeq(got, c.header.Seq)
			require.Empty(t, cmp.Diff(want, got))
			h := layout.ReadHeader(want)
			require.Equal(t, c.header, h)
			require.Equal(t, c.number, h.Number())
			require.Equal(t, c.wrap, h.IsWrap())
			require.Equal(t, c.unfinished, h.IsUnfinished())
		})
	}
}
