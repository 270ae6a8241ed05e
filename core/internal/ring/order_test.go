//go:build zbsteps

package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGiveBackOrder looks at the shared words between the stores of a reader that gives back: the
// position and the count come first, then the space, then the token.
func TestGiveBackOrder(t *testing.T) {
	d := newDebtor(t, 1024)
	o, free := d.c.oieb, d.c.oieb.PayloadFree.Load()
	d.release()
	d.release()
	var seen []string
	onStep(func(name string) {
		seen = append(seen, name)
		if name == "give-back" {
			return
		}
		require.EqualValues(t, 80, o.ReadPos.Load(), "read_pos at %s", name)
		require.Zero(t, d.space.tokens, "tokens at %s", name)
		if name == "add" {
			require.EqualValues(t, 2, o.ReadCount.Load())
			require.Equal(t, free+80, o.PayloadFree.Load())
			return
		}
		require.Equal(t, free, o.PayloadFree.Load(), "payload_free_bytes at %s", name)
	})
	t.Cleanup(func() { onStep(nil) })
	d.c.GiveBack()
	require.Equal(t, []string{"read-pos", "read-count", "add", "give-back"}, seen)
	require.EqualValues(t, 1, d.space.tokens)
}
