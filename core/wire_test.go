package zerobuffer_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/internal/golden"
)

// TestWireMetadataGolden compares the metadata block with what peers read (contract 2).
func TestWireMetadataGolden(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{MetadataSize: 64}, zerobuffer.WriterOptions{})
	require.NoError(t, g.w.SetMetadata([]byte("caps")))
	want := golden.Read(t, "layout/testdata/metadata.hex")
	require.Empty(t, cmp.Diff(want, g.memory()[128:192]))
}

// TestWireFrameGolden compares a frame with what peers read (contract 2).
func TestWireFrameGolden(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	for range 6 {
		g.write(5, 'x')
	}
	require.NoError(t, g.w.WriteFrame(t.Context(), []byte("hello")))
	want := golden.Read(t, "layout/testdata/frame.hex")
	require.Empty(t, cmp.Diff(want, g.payload()[6*21:7*21]))
}

// TestWireWrappedGolden compares a whole segment, to the last byte, after a lap that ended in a
// wrap marker. The file says what is in it.
func TestWireWrappedGolden(t *testing.T) {
	t.Parallel()
	opts := zerobuffer.ReaderOptions{MetadataSize: 64, PayloadSize: 128}
	g := newRig(t, opts, zerobuffer.WriterOptions{})
	require.NoError(t, g.w.SetMetadata([]byte("caps")))
	g.write(112, 0xff)
	g.readRelease(1)
	g.write(50, 'a')
	g.readRelease(1)
	g.write(30, 'b')
	g.write(20, 'c')
	want := golden.Read(t, "testdata/wrapped.hex")
	require.Empty(t, cmp.Diff(want, g.memory()))
}

// TestWireTokens counts the semaphores: one token a frame, none for a marker.
func TestWireTokens(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{PayloadSize: 128}, zerobuffer.WriterOptions{})
	raw := g.raw()
	g.write(50, 'a')
	g.readRelease(1)
	g.write(30, 'b')
	g.write(20, 'c')
	tokens, waiters := raw.DataReady().State()
	require.Equal(t, uint32(2), tokens)
	require.Zero(t, waiters)
	tokens, _ = raw.SpaceReady().State()
	require.Equal(t, uint32(1), tokens)
	g.readRelease(2)
	tokens, _ = raw.SpaceReady().State()
	require.Equal(t, uint32(1), tokens, "posts are left out while a token is there")
}
