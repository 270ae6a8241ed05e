//go:build linux

package posixshm

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// mappings is a function that counts how often the segment of g is mapped, whatever its name.
func (g *cutRig) mappings(t *testing.T) func() int {
	t.Helper()
	st, err := os.Stat(g.b.segmentPath(g.name))
	require.NoError(t, err)
	inode := fmt.Sprintf(" %d ", st.Sys().(*syscall.Stat_t).Ino)
	return func() int {
		maps, err := os.ReadFile("/proc/self/maps")
		require.NoError(t, err)
		return strings.Count(string(maps), inode)
	}
}

// cutTo leaves size bytes of the segment.
func (g *cutRig) cutTo(t *testing.T, size int64) {
	t.Helper()
	require.NoError(t, os.Truncate(g.b.segmentPath(g.name), size))
}

// finish closes both sides, which lets all memory go.
func (g *cutRig) finish(t *testing.T) {
	t.Helper()
	mapped := g.mappings(t)
	_, _ = g.w.Close(), g.r.Close()
	require.NoError(t, os.RemoveAll(g.b.segmentPath(g.name)))
	require.Zero(t, mapped(), "still mapped")
}

// TestTruncatedReadHasNoFrame reads a frame whose header is gone: what comes with the error is
// none, and above all not the one before it.
func TestTruncatedReadHasNoFrame(t *testing.T) {
	g := newCutRig(t)
	g.held.Release()
	g.cutTo(t, 4096+8192) // the second frame begins behind that
	f, err := g.r.ReadFrame(t.Context())
	require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
	require.False(t, f.Valid())
	require.Nil(t, f.Bytes())
	f.Release()
	require.Zero(t, g.r.Stats().Held)
	g.finish(t)
}

// TestTruncatedBetweenFrames cuts the segment off between two frames. Latest and ReadBatch have the
// first one when they meet the end, and do not keep it.
func TestTruncatedBetweenFrames(t *testing.T) {
	for name, read := range map[string]func(g *cutRig) (zerobuffer.Frame, error){
		"latest": func(g *cutRig) (zerobuffer.Frame, error) {
			return g.r.Latest(context.Background())
		},
		"batch": func(g *cutRig) (zerobuffer.Frame, error) {
			var frames [2]zerobuffer.Frame
			n, err := g.r.ReadBatch(context.Background(), frames[:])
			require.Zero(t, n)
			return frames[0], err
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newCutRig(t)
			require.NoError(t, g.w.WriteFrame(t.Context(), make([]byte, 10000)))
			g.held.Release()
			g.cutTo(t, 4096+16384) // the second frame begins before that, the third behind it
			f, err := read(g)
			require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
			require.False(t, f.Valid())
			require.Zero(t, g.r.Stats().Held)
			g.finish(t)
		})
	}
}

// TestTruncatedReservedMemoryGoes meets the end while a frame is reserved.
func TestTruncatedReservedMemoryGoes(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, g *cutRig){
		"abort": func(t *testing.T, g *cutRig) {
			g.reserve(t)
			g.cutTo(t, 0)
			require.ErrorIs(t, g.w.SetMetadata([]byte{1}), zerobuffer.ErrSegmentTruncated)
			require.ErrorIs(t, g.w.Abort(), zerobuffer.ErrSegmentTruncated)
		},
		"fill": func(t *testing.T, g *cutRig) {
			err := g.w.Fill(t.Context(), 100, func([]byte) (int, error) {
				g.cutTo(t, 0)
				return 1, g.w.SetMetadata([]byte{1})
			})
			require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
		},
		"close-first": func(t *testing.T, g *cutRig) {
			g.reserve(t)
			g.cutTo(t, 0)
			require.ErrorIs(t, g.w.SetMetadata([]byte{1}), zerobuffer.ErrSegmentTruncated)
			mapped := g.mappings(t)
			require.ErrorIs(t, g.w.Close(), zerobuffer.ErrSegmentTruncated)
			require.Equal(t, 2, mapped(), "the reserved frame is still there")
			require.ErrorIs(t, g.w.Abort(), zerobuffer.ErrClosed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newCutRig(t)
			g.held.Release()
			use(t, g)
			g.finish(t)
		})
	}
}

// TestTruncatedHeldMemoryGoes closes a Reader in full flight whose memory is gone, and releases the
// frame that it held afterwards.
func TestTruncatedHeldMemoryGoes(t *testing.T) {
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			g := newCutRig(t)
			g.held.Release()
			for range 40 { // until space goes back late
				require.NoError(t, g.w.WriteFrame(t.Context(), make([]byte, 100)))
				f, err := g.r.ReadFrame(t.Context())
				require.NoError(t, err)
				f.Release()
			}
			for range 4 {
				require.NoError(t, g.w.WriteFrame(t.Context(), make([]byte, 100)))
			}
			f, err := g.r.ReadFrame(t.Context())
			require.NoError(t, err)
			require.NoError(t, cut(g))
			mapped := g.mappings(t)
			_ = g.w.Close()
			_ = g.r.Close()
			require.Equal(t, 1, mapped())
			time.Sleep(10 * time.Millisecond) // Close looks once more a moment later
			f.Release()
			for end := time.Now().Add(time.Second); mapped() != 0; runtime.Gosched() {
				require.True(t, time.Now().Before(end), "still mapped after the last release")
			}
			require.NoError(t, os.RemoveAll(g.b.segmentPath(g.name)))
		})
	}
}

// TestTruncatedEndsReconnect cuts the segment off under a blocked Writer that is to reconnect, in
// such a way that it meets no end: the Writer is over all the same.
func TestTruncatedEndsReconnect(t *testing.T) {
	g := newCutRig(t)
	g.held.Release()
	require.NoError(t, g.w.Close())
	var err error
	g.w, err = zerobuffer.NewWriter(g.b, g.name, &zerobuffer.WriterOptions{Reconnect: true})
	require.NoError(t, err)
	for {
		ok, err := g.w.TryWriteFrame(make([]byte, 20000))
		require.NoError(t, err)
		if !ok {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	g.cutTo(t, 128+4096+(1<<16)-1)
	err = g.w.WriteFrame(ctx, make([]byte, 20000))
	require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
	require.NotErrorIs(t, err, zerobuffer.ErrTimeout)
	require.NotZero(t, g.w.Stats().PayloadSize, "it has given up the buffer")
	g.finish(t)
}

// cutAfterCreate is a backend whose segment is cut off as soon as it can be seen.
type cutAfterCreate struct{ *Backend }

func (b cutAfterCreate) Create(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Create(name, config)
	if err == nil {
		err = os.Truncate(b.segmentPath(name), 0)
	}
	return ch, err
}

func TestTruncatedWhileCreating(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	_, err := zerobuffer.NewReader(cutAfterCreate{b}, name, nil)
	require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
	r, err := zerobuffer.NewReader(b, name, nil)
	require.NoError(t, err, "nothing is left")
	require.NoError(t, r.Close())
}
