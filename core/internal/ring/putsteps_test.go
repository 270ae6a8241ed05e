//go:build zbsteps

package ring

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPutTakesTheSameSteps looks at what others can see of a ring after each step in which a frame
// is published, by Put and in the long way. So what is known of kills on the one way holds on the
// other.
func TestPutTakesTheSameSteps(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		for _, size := range []int{1, 24, 300} {
			frame := make([]byte, size)
			for i := range frame {
				frame[i] = byte(i)
			}
			long := stepsOf(t, foreign, func(w *Producer) {
				fillLong(t, w, frame)
				require.NoError(t, w.Flush())
			})
			short := stepsOf(t, foreign, func(w *Producer) {
				done, err := w.Put(frame)
				require.NoError(t, err)
				require.True(t, done)
			})
			require.Equal(t, long, short, "foreign %v, %d bytes", foreign, size)
			require.Greater(t, len(long), 6)
		}
	}
}

// stepsOf is what is in a ring after each step in which publish publishes its second frame.
func stepsOf(t *testing.T, foreign bool, publish func(*Producer)) (seen []string) {
	t.Helper()
	s := newPutSide(t, 1024, 0, foreign, 24)
	note := func(name string) {
		if name == "payload" { // the long way is told of it by its caller
			return
		}
		o := s.seg.OIEB
		seen = append(seen, fmt.Sprintf("%s %d %d %d %d %v %x", name, o.WrittenCount.Load(),
			o.WritePos.Load(), o.ReadPos.Load(), o.PayloadFree.Load(), s.ready, s.seg.Payload))
	}
	onStep(note)
	defer onStep(nil)
	publish(s.w)
	note("end")
	return seen
}
