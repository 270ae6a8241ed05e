package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// TestOpenLeavesNoShortTail asks for a frame behind which 8 bytes of the ring would be left.
func TestOpenLeavesNoShortTail(t *testing.T) {
	seg := newSegment(256)
	w := NewProducer(seg, &sem{}, 0)
	_, err := w.Attach(false)
	require.NoError(t, err)
	for range 2 { // the first frame goes to 0, which is looked for in another way
		b, err := w.Open(24)
		require.NoError(t, err)
		require.NotNil(t, b)
		require.NoError(t, w.Seal(24))
		require.NoError(t, w.Flush())
	}
	b, err := w.Open(256 - 80 - 8 - layout.HeaderSize)
	require.NoError(t, err)
	require.Nil(t, b, "no header fits behind this frame")
	b, err = w.Open(256 - 80 - 16 - layout.HeaderSize)
	require.NoError(t, err)
	require.NotNil(t, b)
}

// TestNextBehindShortTail reads on from a tail of 8 bytes, as a foreign writer leaves it, although
// more than that is unread.
func TestNextBehindShortTail(t *testing.T) {
	seg := newSegment(256)
	r := NewConsumer(seg, &sem{})
	r.pos, r.expected = 248, 7
	r.published.Store(248)
	seg.OIEB.ReadPos.Store(248)
	seg.OIEB.WritePos.Store(layout.HeaderSize + 24)
	layout.WriteSize(seg.Payload, 24)
	layout.WriteSeq(seg.Payload, 7)
	var it Item
	ok, err := r.Next(true, &it)
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 7, it.Seq)
	require.Equal(t, 24, it.Size)
	require.EqualValues(t, 40, r.pos)
}
