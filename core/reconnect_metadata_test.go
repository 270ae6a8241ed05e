package zerobuffer_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// metadata is what the reader of the rig finds.
func (g *rig) metadata() string {
	g.t.Helper()
	b, err := g.r.Metadata()
	require.NoError(g.t, err)
	return string(b)
}

// TestReconnectMetadata shows what the next buffer gets.
func TestReconnectMetadata(t *testing.T) {
	t.Parallel()
	renew := func(g *rig) {
		leaves["closed"](g)
		g.renew(zerobuffer.ReaderOptions{})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
		renew(g)
		g.write1(1)
		_, err := g.r.Metadata()
		require.ErrorIs(t, err, zerobuffer.ErrNoMetadata)
		require.NoError(t, g.w.SetMetadata([]byte("first")))
		require.ErrorIs(t, g.w.SetMetadata([]byte("second")), zerobuffer.ErrMetadataSet)
		renew(g)
		g.write1(1)
		require.Equal(t, "first", g.metadata())
	})
	t.Run("copied", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
		b := []byte("before")
		require.NoError(t, g.w.SetMetadata(b))
		copy(b, "after!")
		renew(g)
		g.write1(1)
		require.Equal(t, "before", g.metadata())
	})
	t.Run("of-an-earlier-writer", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{})
		require.NoError(t, g.w.SetMetadata([]byte("old")))
		require.NoError(t, g.w.Close())
		g.connect(reconnecting)
		require.ErrorIs(t, g.w.SetMetadata([]byte("new")), zerobuffer.ErrMetadataSet)
		require.Equal(t, "old", g.metadata())
		renew(g)
		g.write1(1)
		require.Equal(t, "new", g.metadata(), "a new buffer without metadata")
	})
	t.Run("set-without-a-reader", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
		leaves["closed"](g)
		require.NoError(t, g.w.SetMetadata([]byte("early")))
		_, err := g.w.TryWriteFrame([]byte{1})
		require.ErrorIs(t, err, zerobuffer.ErrReaderClosed)
		require.NoError(t, g.w.SetMetadata([]byte("later")), "it is in no buffer yet")
		require.ErrorIs(t, g.w.SetMetadata(nil), zerobuffer.ErrReaderClosed)
		g.renew(zerobuffer.ReaderOptions{})
		g.write1(1)
		require.Equal(t, "later", g.metadata())
	})
	t.Run("of-another-writer", func(t *testing.T) {
		t.Parallel()
		for there, warnings := range map[string]int{"mine": 0, "theirs": 1} {
			g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
			require.NoError(t, g.w.SetMetadata([]byte("mine")))
			renew(g)
			w, err := zerobuffer.NewWriter(g.Process(), bufferName, nil)
			require.NoError(t, err)
			require.NoError(t, w.SetMetadata([]byte(there)))
			require.NoError(t, w.Close())
			g.write1(1)
			require.Equal(t, there, g.metadata())
			require.Equal(t, warnings, countOf(g.wlog.all(),
				"WARN the new buffer keeps the metadata that another writer has set"))
		}
	})
}

// TestReconnectMetadataTooLarge leaves a buffer alone in which the metadata does not fit: its
// frames could not be told what they are. Nothing of it is claimed.
func TestReconnectMetadataTooLarge(t *testing.T) {
	t.Parallel()
	for _, small := range []int64{64, -1} {
		g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
		metadata := bytes.Repeat([]byte{'m'}, 100)
		require.NoError(t, g.w.SetMetadata(metadata))
		leaves["closed"](g)
		g.renew(zerobuffer.ReaderOptions{MetadataSize: small})
		g.requireUnchanged(func() {
			for range 2 {
				err := g.w.WriteFrame(context.Background(), []byte{1})
				requireErrors(t, err, zerobuffer.ErrMetadataTooLarge, zerobuffer.ErrReaderClosed)
				time.Sleep(5 * time.Millisecond)
				_, err = g.w.TryWriteFrame([]byte{1})
				require.ErrorIs(t, err, zerobuffer.ErrReaderClosed)
			}
		})
		require.False(t, g.r.WriterConnected())
		leaves["closed"](g)
		g.renew(zerobuffer.ReaderOptions{})
		g.write1(1)
		require.Equal(t, string(metadata), g.metadata())
	}
}
