package zerobuffer_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestReaderLatest(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	for i := range 5 {
		g.write(10, byte(i))
	}
	f, err := g.r.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(5), f.Sequence())
	require.Equal(t, byte(4), f.Bytes()[0])
	require.Equal(t, 1, g.r.Stats().Held, "older frames were not released")
	require.Equal(t, uint64(1024-26), g.r.Stats().PayloadFree)
	require.Equal(t, uint64(5), g.r.FramesRead())
}

func TestReaderLatestWaits(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	var f zerobuffer.Frame
	err := whileBlocked(g.raw().DataReady(), func() (err error) {
		f, err = g.r.Latest(context.Background())
		return err
	}, func() { g.write(10, 'a') })
	require.NoError(t, err)
	require.Equal(t, uint64(1), f.Sequence())
}

// TestReaderLatestKeepsHeldFrames shows that frames that the program holds are not released.
func TestReaderLatestKeepsHeldFrames(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	held := g.read()
	g.write(10, 'b')
	g.write(10, 'c')
	f, err := g.r.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, byte('c'), f.Bytes()[0])
	require.Equal(t, "aaaaaaaaaa", string(held.Bytes()))
}

// TestReaderLatestKeepsError shows that an error behind the newest frame is left to the next call.
func TestReaderLatestKeepsError(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	g.write(10, 'b')
	require.NoError(t, g.w.Close())
	f, err := g.r.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(2), f.Sequence())
	_, err = g.r.Latest(t.Context())
	require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	require.True(t, f.Valid())
}
