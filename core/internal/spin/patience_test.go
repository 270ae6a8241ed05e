package spin

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPatienceGrowsInStream(t *testing.T) {
	var p Patience
	before := uint32(0)
	for range 10 {
		p.Found(1, true)
		p.Pause(false)
		require.True(t, p.pauses > before || p.pauses == mostPauses, p.pauses)
		before = p.pauses
	}
	require.EqualValues(t, mostPauses, p.pauses)
	require.False(t, p.Streaming())
	p.Found(streaming, true)
	require.True(t, p.Streaming())
}

// TestPatienceEnds is about frames that came late, so that this side would have waited in vain,
// about a look that found nothing, and about a side that is behind.
func TestPatienceEnds(t *testing.T) {
	for _, n := range []uint32{0, 1, streaming - 1, caughtUp + 1} {
		p := Patience{pauses: mostPauses}
		p.Found(n, n == 0 || n > caughtUp)
		p.Pause(false)
		require.Zero(t, p.pauses, n)
	}
}

// TestPatienceAwaited is about a writer that may be waiting for this side: no pause for few
// frames, and otherwise one that is short beside what the frames take.
func TestPatienceAwaited(t *testing.T) {
	p := Patience{pauses: mostPauses}
	for n := range uint32(2 * caughtUp) {
		p.Found(n, n%2 == 0)
		p.Pause(true)
		switch {
		case n < streaming || n > caughtUp:
			require.Zero(t, p.pauses, n)
		default:
			require.Equal(t, min(n, fewPauses), p.pauses)
		}
	}
}
