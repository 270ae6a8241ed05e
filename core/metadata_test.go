package zerobuffer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestWriterSetMetadata(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{MetadataSize: 64}, zerobuffer.WriterOptions{})
	_, err := g.r.Metadata()
	require.ErrorIs(t, err, zerobuffer.ErrNoMetadata)
	b := []byte("caps")
	require.NoError(t, g.w.SetMetadata(b))
	b[0] = 'x' // it was copied
	for range 2 {
		got, err := g.r.Metadata()
		require.NoError(t, err)
		require.Equal(t, "caps", string(got))
		got[0] = 'x' // a copy
	}
	require.Equal(t, uint64(12), g.oieb().MetadataWritten.Load())
	require.Equal(t, uint64(52), g.oieb().MetadataFree.Load())
}

func TestWriterSetMetadataTwice(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	require.NoError(t, g.w.SetMetadata([]byte("first")))
	set := func() {
		require.ErrorIs(t, g.w.SetMetadata([]byte("second")), zerobuffer.ErrMetadataSet)
	}
	g.requireUnchanged(set)
	require.NoError(t, g.w.Close())
	g.connect(zerobuffer.WriterOptions{})
	g.requireUnchanged(set) // an earlier writer did
	b, err := g.r.Metadata()
	require.NoError(t, err)
	require.Equal(t, "first", string(b))
}

func TestWriterSetMetadataSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		block     int64
		size, max int
		want      error
	}{
		{"empty", 64, 0, 56, zerobuffer.ErrEmptyMetadata},
		{"too-large-by-one", 64, 57, 56, zerobuffer.ErrMetadataTooLarge},
		{"no-block", -1, 1, 0, zerobuffer.ErrMetadataTooLarge},
		{"whole-block", 64, 56, 56, nil},
		{"one-byte", 64, 1, 56, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opts := zerobuffer.ReaderOptions{MetadataSize: c.block}
			g := newRig(t, opts, zerobuffer.WriterOptions{})
			b := bytes.Repeat([]byte{'m'}, c.size)
			if c.want == nil {
				require.NoError(t, g.w.SetMetadata(b))
				got, err := g.r.Metadata()
				require.NoError(t, err)
				require.Equal(t, b, got)
				return
			}
			g.requireUnchanged(func() {
				err := g.w.SetMetadata(b)
				require.ErrorIs(t, err, c.want)
				if size, ok := errors.AsType[*zerobuffer.MetadataSizeError](err); ok {
					want := zerobuffer.MetadataSizeError{Size: int64(c.size), Max: int64(c.max)}
					require.Empty(t, cmp.Diff(want, *size))
				}
			})
		})
	}
}

func TestReaderWaitMetadata(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	_, err := g.r.WaitMetadata(expired(t))
	requireErrors(t, err, zerobuffer.ErrTimeout, context.DeadlineExceeded)
	_, err = g.r.WaitMetadata(ended())
	require.ErrorIs(t, err, context.Canceled)
	done := make(chan []byte)
	go func() {
		b, err := g.r.WaitMetadata(context.Background())
		if err != nil {
			t.Error(err)
		}
		done <- b
	}()
	require.NoError(t, g.w.SetMetadata([]byte("caps")))
	require.Equal(t, "caps", string(<-done))
}

// TestReaderMetadataOfBrokenWriter gives lengths that cannot be. What the length word says is
// bounded by metadata_written_bytes and by the block, and length 0 means none.
func TestReaderMetadataOfBrokenWriter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		written, length uint64
		want            error
	}{
		{"written-too-small", 7, 0, zerobuffer.ErrCorrupt},
		{"written-too-large", 65, 1, zerobuffer.ErrCorrupt},
		{"written-huge", 1 << 63, 1, zerobuffer.ErrCorrupt},
		{"length-above-written", 12, 5, zerobuffer.ErrCorrupt},
		{"length-huge", 64, ^uint64(0), zerobuffer.ErrCorrupt},
		{"length-0", 8, 0, zerobuffer.ErrNoMetadata},
		{"length-below-written", 12, 3, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newReaderRig(t, zerobuffer.ReaderOptions{MetadataSize: 64})
			binary.LittleEndian.PutUint64(g.memory()[128:], c.length)
			copy(g.memory()[136:], "abcdef")
			g.oieb().MetadataWritten.Store(c.written)
			b, err := g.r.Metadata()
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "abc", string(b))
		})
	}
}
