package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriteTargets(t *testing.T) {
	var b strings.Builder
	require.NoError(t, WriteTargets(&b, sample(t)))
	golden(t, "targets.txt", b.String())
}

// TestTargetsRatioOfRounds has a round in which something else has slowed down both. The ratio of
// the medians would be 530/440.
func TestTargetsRatioOfRounds(t *testing.T) {
	v := judgeOne(t, sample(t), targets[0])
	require.Equal(t, spread{1.3, 530.0 / 440, 1.3}, v.is)
	require.True(t, v.reached(), "at most 1.3 includes 1.3")
}

func TestTargetsDirection(t *testing.T) {
	slow := func(metric string, ours float64) verdict {
		r := &Report{Figures: []Figure{
			{Measure: "m", Transport: "a", Metric: metric, Rounds: []float64{ours}},
			{Measure: "m", Transport: "b", Metric: metric, Rounds: []float64{100}},
		}}
		return judgeOne(t, r, target{key{"m", "a", metric, 0, 0, 0, 0}, "b", 1})
	}
	require.True(t, slow("p50", 99).reached())
	require.False(t, slow("p50", 101).reached())
	require.True(t, slow("GB/s", 101).reached())
	require.False(t, slow("GB/s", 99).reached())
}

// TestTargetsBestLimit holds ours against the limit in its best working set.
func TestTargetsBestLimit(t *testing.T) {
	r := sample(t)
	v := judgeOne(t, r, target{key{oneWay, posix, gigabytes, 64 * kib, 0, 0, 0}, transfer, 0.95})
	require.Equal(t, int64(512<<10), v.limit.Ring)
	slices.Reverse(r.Figures)
	v = judgeOne(t, r, target{key{oneWay, posix, gigabytes, 64 * kib, 0, 0, 0}, transfer, 0.95})
	require.Equal(t, int64(512<<10), v.limit.Ring, "whichever comes first")
}

// TestTargetsZeroCopyIsNotCompared with a limit that writes and reads every byte.
func TestTargetsZeroCopyIsNotCompared(t *testing.T) {
	verdicts, err := sample(t).judge(
		target{key{oneWay, posix, gigabytes, video, 0, 0, 0}, transfer, 0.95})
	require.NoError(t, err)
	require.Empty(t, verdicts)
}

func TestTargetsRefuseOtherRounds(t *testing.T) {
	r := sample(t)
	r.Figures[0].Rounds = r.Figures[0].Rounds[:2]
	var b strings.Builder
	err := WriteTargets(&b, r)
	require.ErrorContains(t, err, "compare p50 of round trip, posix, with bare ping-pong: "+
		"2 rounds and 3 rounds")
	require.Contains(t, b.String(), "posix block", "the others are shown")
	r = sample(t)
	r.best(brackets[0].limit).Rounds[1] = 0
	require.ErrorContains(t, WriteTargets(&b, r), "round 2 of the limit is 0")
}

// TestTargetsIdleSides judges each side that idles.
func TestTargetsIdleSides(t *testing.T) {
	f := func(measure, transport string, share float64) Figure {
		return Figure{Measure: measure, Transport: transport, Metric: "cpu", Rounds: []float64{share}}
	}
	r := &Report{Figures: []Figure{
		f("idle", "posix reader", 0.0009), f("idle", "posix writer", 0.002),
		f("idle", "posix spin", 1), f("loaded", "posix reader", 1),
	}}
	verdicts, err := r.judge(target{key{"idle", posix, "cpu", 0, 0, 0, 0}, "", 0.001})
	require.NoError(t, err)
	require.Len(t, verdicts, 2)
	require.True(t, verdicts[0].reached())
	require.False(t, verdicts[1].reached())
}

func TestBracketsByPinning(t *testing.T) {
	r := sample(t)
	futexes := func() (values []float64) {
		held, figures := r.limits()
		for i, f := range figures {
			if f.Transport == futex {
				values = append(values, held[i].least)
			}
		}
		return values
	}
	require.Equal(t, []float64{64_000}, futexes())
	r.Settings.Pinned = false
	require.Equal(t, []float64{1_900}, futexes())
	var b strings.Builder
	require.NoError(t, WriteTargets(&b, r))
	require.Contains(t, b.String(), "2900 % above 1.90 µs")
}

func TestBracketOff(t *testing.T) {
	b := bracket{least: 14, most: 18}
	for v, want := range map[float64]float64{14: 0, 16: 0, 18: 0, 19.8: 0.1, 12.6: -0.1} {
		require.InDelta(t, want, b.off(v), 1e-9)
	}
}

func judgeOne(t *testing.T, r *Report, goal target) verdict {
	t.Helper()
	verdicts, err := r.judge(goal)
	require.NoError(t, err)
	require.Len(t, verdicts, 1)
	return verdicts[0]
}
