package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTicketsBehindGrowth holds so many frames that there are more slots. Those that are held stay
// so, and one that was released before is no other one, although its slot is used again.
func TestTicketsBehindGrowth(t *testing.T) {
	const frames = 3 * minSlots
	d := newDebtor(t, 64<<10)
	read := func() (it Item) {
		ok, err := d.c.Next(false, &it)
		require.NoError(t, err)
		require.True(t, ok)
		return it
	}
	gone := read()
	require.Equal(t, Owed, d.c.Release(gone.Ticket))
	require.Zero(t, d.c.GiveBack())
	held := make([]Item, frames)
	for i := range held {
		held[i] = read()
	}
	require.Greater(t, len(d.c.slots), minSlots)
	require.False(t, d.c.Holds(gone.Ticket))
	require.Nil(t, d.c.Payload(gone))
	require.Equal(t, Stale, d.c.Release(gone.Ticket))
	require.Equal(t, frames, d.c.Held())
	for i, it := range held {
		require.True(t, d.c.Holds(it.Ticket), i)
		b := d.c.Payload(it)
		require.Len(t, b, 24)
		require.Equal(t, 24, cap(b))
		require.Same(t, &d.c.data[40*(i+1)+16], &b[0], "where frame %d begins", it.Seq)
		require.NotEqual(t, Stale, d.c.Release(it.Ticket))
		require.Nil(t, d.c.Payload(it))
		require.Equal(t, Stale, d.c.Release(it.Ticket))
	}
	require.Zero(t, d.c.GiveBack())
}
