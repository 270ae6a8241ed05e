package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFetchFront goes round a ring of three frames and a rest.
func TestFetchFront(t *testing.T) {
	seg := newSegment(256)
	p, c := NewProducer(seg, &sem{}, 0), NewConsumer(seg, &sem{})
	_, err := p.Attach(false)
	require.NoError(t, err)
	last := p.FetchFront(0)
	require.Zero(t, last)
	for range 3 {
		for _, want := range []uint64{80, 160, 240} { // from the last one it is less than frontBytes
			b, err := p.Open(64)
			require.NoError(t, err)
			require.NotNil(t, b)
			require.Equal(t, last, p.FetchFront(last), "nothing is published")
			require.NoError(t, p.Seal(64))
			require.NoError(t, p.Flush())
			last = p.FetchFront(last)
			require.Equal(t, want, last)
		}
		for range 3 {
			var it Item
			ok, err := c.Next(false, &it)
			require.NoError(t, err)
			require.True(t, ok)
			c.Release(it.Ticket)
		}
		c.GiveBack()
	}
}
