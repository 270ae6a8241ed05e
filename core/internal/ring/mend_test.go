package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// drainedRing is a ring of 256 bytes through which one frame of 36 bytes has gone.
func drainedRing(t *testing.T) (*Producer, *Consumer) {
	t.Helper()
	seg, data := newSegment(256), &sem{}
	p, c := NewProducer(seg, data, 0), NewConsumer(seg, &sem{})
	_, err := p.Attach(false)
	require.NoError(t, err)
	_, err = p.Open(20)
	require.NoError(t, err)
	require.NoError(t, p.Seal(20))
	require.NoError(t, p.Flush())
	var it Item
	ok, err := c.Next(false, &it)
	require.NoError(t, err)
	require.True(t, ok)
	c.Release(it.Slot, it.Gen)
	require.Zero(t, c.GiveBack())
	return p, c
}

// An addition of the reader may be on its way, so free bytes that are too low are believed once.
// What is the same at the next look is what a killed writer has left.
func TestDrainedMendsFreeBytes(t *testing.T) {
	p, _ := drainedRing(t)
	require.True(t, p.Drained())
	free := &p.oieb.PayloadFree
	free.Store(256 - 36)
	require.False(t, p.Drained(), "the addition may come yet")
	free.Store(256 - 20)
	require.False(t, p.Drained(), "part of it has come")
	require.EqualValues(t, 256-20, free.Load())
	require.True(t, p.Drained())
	require.EqualValues(t, 256, free.Load())
}

// A writer that comes after a killed one sets the free bytes to what the positions say.
func TestAttachCountsFreeBytes(t *testing.T) {
	p, c := drainedRing(t)
	seg := layout.Segment{OIEB: p.oieb, Payload: p.data}
	for _, wrong := range []uint64{256 - 36, 256 + 36, 0} {
		p.oieb.PayloadFree.Store(wrong)
		_, err := NewProducer(seg, &sem{}, 0).Attach(false)
		require.NoError(t, err)
		require.EqualValues(t, 256, p.oieb.PayloadFree.Load())
		require.False(t, c.Heal(1), "something was left for the reader to heal")
	}
}
