//go:build linux

package posixshm

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// cutRig is a reader and a writer of one buffer, with a frame on its way, one that is held and one
// that is reserved.
type cutRig struct {
	b        *Backend
	name     string
	r        *zerobuffer.Reader
	w        *zerobuffer.Writer
	held     zerobuffer.Frame
	reserved []byte
}

func newCutRig(t *testing.T) *cutRig {
	t.Helper()
	b := newBackend(t)
	g := &cutRig{b: b, name: newName(t, b)}
	var err error
	g.r, err = zerobuffer.NewReader(b, g.name, &zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
	require.NoError(t, err)
	g.w, err = zerobuffer.NewWriter(b, g.name, nil)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, g.w.WriteFrame(t.Context(), make([]byte, 10000)))
	}
	g.held, err = g.r.ReadFrame(t.Context())
	require.NoError(t, err)
	return g
}

// reserve leaves a frame reserved.
func (g *cutRig) reserve(t *testing.T) {
	t.Helper()
	var err error
	g.reserved, err = g.w.Reserve(t.Context(), 20000)
	require.NoError(t, err)
}

// close ends both sides, whatever has become of the memory.
func (g *cutRig) close(t *testing.T) {
	t.Helper()
	g.held.Release()
	for _, err := range []error{g.w.Close(), g.r.Close()} {
		if err != nil {
			require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
		}
	}
	_ = g.w.Abort()
	require.NoError(t, os.RemoveAll(g.b.segmentPath(g.name)))
}

// cuts are what a peer may leave of the objects of a buffer.
var cuts = map[string]func(g *cutRig) error{
	"nothing":  func(g *cutRig) error { return os.Truncate(g.b.segmentPath(g.name), 0) },
	"one page": func(g *cutRig) error { return os.Truncate(g.b.segmentPath(g.name), 4096) },
	"no semaphores": func(g *cutRig) error {
		for _, path := range paths(g.b, g.name)[1:3] {
			if err := os.Truncate(path, 0); err != nil {
				return err
			}
		}
		return nil
	},
}

// cutCalls are all calls that look at the memory. Those that may wait have a little time.
var cutCalls = map[string]func(ctx context.Context, g *cutRig) error{
	"ReadFrame": func(ctx context.Context, g *cutRig) error {
		f, err := g.r.ReadFrame(ctx)
		f.Release()
		return err
	},
	"TryReadFrame": func(_ context.Context, g *cutRig) error {
		f, _, err := g.r.TryReadFrame()
		f.Release()
		return err
	},
	"ReadBatch": func(ctx context.Context, g *cutRig) error {
		frames := make([]zerobuffer.Frame, 3)
		_, err := g.r.ReadBatch(ctx, frames)
		for _, f := range frames {
			f.Release()
		}
		return err
	},
	"Latest": func(ctx context.Context, g *cutRig) error {
		f, err := g.r.Latest(ctx)
		f.Release()
		return err
	},
	"Frames": func(ctx context.Context, g *cutRig) error {
		for f, err := range g.r.Frames(ctx) {
			f.Release()
			return err
		}
		return nil
	},
	"Metadata": func(_ context.Context, g *cutRig) error {
		_, err := g.r.Metadata()
		return err
	},
	"WaitMetadata": func(ctx context.Context, g *cutRig) error {
		_, err := g.r.WaitMetadata(ctx)
		return err
	},
	"Reader.Stats": func(_ context.Context, g *cutRig) error {
		g.r.Stats()
		return nil
	},
	"WriterConnected": func(_ context.Context, g *cutRig) error {
		g.r.WriterConnected()
		return nil
	},
	"Release": func(_ context.Context, g *cutRig) error {
		g.held.Release()
		return nil
	},
	"Do": func(_ context.Context, g *cutRig) error {
		return g.held.Do(func(b []byte) error {
			bytes.Count(b, []byte{1})
			return nil
		})
	},
	"WriteFrame": func(ctx context.Context, g *cutRig) error {
		return g.w.WriteFrame(ctx, make([]byte, 10000))
	},
	"TryWriteFrame": func(_ context.Context, g *cutRig) error {
		_, err := g.w.TryWriteFrame(make([]byte, 10000))
		return err
	},
	"WriteBatch": func(ctx context.Context, g *cutRig) error {
		_, err := g.w.WriteBatch(ctx, [][]byte{make([]byte, 10000), make([]byte, 5000)})
		return err
	},
	"Fill": func(ctx context.Context, g *cutRig) error {
		return g.w.Fill(ctx, 10000, func(b []byte) (int, error) {
			clear(b)
			return len(b), nil
		})
	},
	"SetMetadata": func(_ context.Context, g *cutRig) error { return g.w.SetMetadata([]byte{1}) },
	"Drained": func(_ context.Context, g *cutRig) error {
		g.w.Drained()
		return nil
	},
	"WaitDrained": func(ctx context.Context, g *cutRig) error { return g.w.WaitDrained(ctx) },
	"Writer.Stats": func(_ context.Context, g *cutRig) error {
		g.w.Stats()
		return nil
	},
	"ReaderConnected": func(_ context.Context, g *cutRig) error {
		g.w.ReaderConnected()
		return nil
	},
	"NewWriter": func(_ context.Context, g *cutRig) error {
		_, err := zerobuffer.NewWriter(g.b, g.name, nil)
		return err
	},
}

// TestTruncated cuts off the objects of a buffer in use. No call crashes: each ends with an error,
// or has nothing to say; and each side can be closed.
func TestTruncated(t *testing.T) {
	for cut, do := range cuts {
		for name, call := range cutCalls {
			t.Run(cut+"/"+name, func(t *testing.T) {
				g := newCutRig(t)
				defer g.close(t)
				require.NoError(t, do(g))
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if err := call(ctx, g); err != nil {
					requireTruncated(t, err)
				}
				if cut == "nothing" && (name == "ReadFrame" || name == "WriteFrame") {
					require.ErrorIs(t, call(ctx, g), zerobuffer.ErrSegmentTruncated, "and once more")
				}
			})
		}
	}
}

// requireTruncated takes the error of a call on a buffer that was cut off: most met the end of it,
// some did not come so far.
func requireTruncated(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, fs.ErrInvalid) {
		return // a semaphore without bytes cannot be opened
	}
	for _, want := range []error{
		zerobuffer.ErrSegmentTruncated, zerobuffer.ErrTimeout, zerobuffer.ErrNoMetadata,
		zerobuffer.ErrWriterConnected, zerobuffer.ErrNotReady, zerobuffer.ErrIncompatible,
	} {
		if errors.Is(err, want) {
			return
		}
	}
	t.Errorf("error is %v", err)
}

// TestTruncatedMeetsTheEnd names the calls that must meet the end of a segment that has no bytes.
func TestTruncatedMeetsTheEnd(t *testing.T) {
	for _, name := range []string{
		"ReadFrame", "TryReadFrame", "ReadBatch", "Latest", "Frames", "Metadata", "WaitMetadata",
		"Do", "WriteFrame", "TryWriteFrame", "WriteBatch", "Fill", "SetMetadata", "WaitDrained",
	} {
		g := newCutRig(t)
		require.NoError(t, cuts["nothing"](g))
		require.ErrorIs(t, cutCalls[name](t.Context(), g), zerobuffer.ErrSegmentTruncated, name)
		require.ErrorIs(t, cutCalls[name](t.Context(), g), zerobuffer.ErrSegmentRemoved, name)
		g.close(t)
	}
}

// TestTruncatedWithAReservedFrame cuts the segment off between Reserve and what ends it.
func TestTruncatedWithAReservedFrame(t *testing.T) {
	g := newCutRig(t)
	g.reserve(t)
	require.NoError(t, cuts["nothing"](g))
	require.ErrorIs(t, g.w.Commit(100), zerobuffer.ErrSegmentTruncated)
	g.close(t)
	g = newCutRig(t)
	g.reserve(t)
	require.NoError(t, cuts["nothing"](g))
	require.NoError(t, g.w.Abort())
	g.close(t)
}

// TestTruncatedWhileBlocked cuts the segment off under a call that waits.
func TestTruncatedWhileBlocked(t *testing.T) {
	for name, call := range map[string]func(g *cutRig) error{
		"read": func(g *cutRig) error {
			for {
				f, err := g.r.ReadFrame(context.Background())
				if err != nil {
					return err
				}
				f.Release()
			}
		},
		"write": func(g *cutRig) error {
			for {
				if err := g.w.WriteFrame(context.Background(), make([]byte, 1000)); err != nil {
					return err
				}
			}
		},
	} {
		for _, cut := range []string{"nothing", "one page", "no semaphores"} {
			t.Run(name+"/"+cut, func(t *testing.T) {
				g := newCutRig(t)
				defer g.close(t)
				ended := make(chan error)
				go func() { ended <- call(g) }()
				time.Sleep(20 * time.Millisecond)
				require.NoError(t, cuts[cut](g))
				require.ErrorIs(t, <-ended, zerobuffer.ErrSegmentTruncated)
			})
		}
	}
}

// otherMemory is memory of the program, outside the buffer, that is gone.
func (g *cutRig) otherMemory(t *testing.T) []byte {
	t.Helper()
	path := g.b.segmentPath(g.name) + "-else"
	require.NoError(t, os.WriteFile(path, make([]byte, 4096), 0o600))
	t.Cleanup(func() { _ = os.Remove(path) })
	other, err := mapFile(path, os.O_RDWR)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 0))
	return other
}

// TestFaultElsewhere shows that a fault outside the buffer, and a panic of the program, stay what
// they are, and leave the buffer usable.
func TestFaultElsewhere(t *testing.T) {
	g := newCutRig(t)
	other := g.otherMemory(t)
	require.Panics(t, func() { _ = g.w.WriteFrame(t.Context(), other) })
	require.PanicsWithValue(t, "mine", func() {
		_ = g.held.Do(func([]byte) error { panic("mine") })
	})
	require.PanicsWithValue(t, "mine", func() {
		_ = g.w.Fill(t.Context(), 10, func([]byte) (int, error) { panic("mine") })
	})
	require.NoError(t, g.w.WriteFrame(t.Context(), []byte("goes on")))
	for _, want := range []int{10000, len("goes on")} {
		f, err := g.r.ReadFrame(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, f.Len())
		f.Release()
	}
	g.close(t)
}

// TestTruncatedInUse cuts the segment off while code of the program is at its bytes.
func TestTruncatedInUse(t *testing.T) {
	g := newCutRig(t)
	err := g.w.Fill(t.Context(), 10000, func(b []byte) (int, error) {
		require.NoError(t, cuts["nothing"](g))
		clear(b)
		return len(b), nil
	})
	require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
	g.close(t)
	g = newCutRig(t)
	err = g.held.Do(func(b []byte) error {
		require.NoError(t, cuts["nothing"](g))
		bytes.Count(b, []byte{1})
		return nil
	})
	require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
	g.close(t)
}

// cutAfterOpen is a backend whose segment is cut off as soon as it is open.
type cutAfterOpen struct {
	*Backend
	path string
}

func (b cutAfterOpen) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Open(name, config)
	if err == nil {
		err = os.Truncate(b.path, 0)
	}
	return ch, err
}

func TestTruncatedWhileAttaching(t *testing.T) {
	g := newCutRig(t)
	require.NoError(t, g.w.Close())
	_, err := zerobuffer.NewWriter(cutAfterOpen{g.b, g.b.segmentPath(g.name)}, g.name, nil)
	require.ErrorIs(t, err, zerobuffer.ErrSegmentTruncated)
	g.close(t)
}
