package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// run has a trial see bytes that take so many nanoseconds for 1 MiB each, with short laps and with
// long ones.
func (t *trial) run(bytes uint64, short, long int64) {
	for range bytes >> 20 {
		took := short
		if t.long {
			took = long
		}
		t.add(1<<20, took)
	}
}

const wholeTrial = 2*trialBytes + settleBytes

func TestTrial(t *testing.T) {
	var c trial
	c.begin()
	require.True(t, c.long)
	c.run(startBytes+wholeTrial, 100, 104)
	require.True(t, c.long, "the other way is not clearly faster")
	require.Equal(t, rests, c.stage)
	c.run(restBytes+wholeTrial, 100, 106)
	require.False(t, c.long)
	c.run(restBytes+wholeTrial, 104, 100)
	require.False(t, c.long, "nor is this one")
	c.run(restBytes+wholeTrial, 106, 100)
	require.True(t, c.long)
}

// What a way is like at its beginning, and what was seen in between, does not count.
func TestTrialSettles(t *testing.T) {
	var c trial
	c.begin()
	c.run(startBytes, 100, 1)
	c.run(trialBytes, 100, 100)
	require.False(t, c.long, "it tries the other way")
	c.run(settleBytes, 1, 100)
	require.False(t, c.long)
	c.run(trialBytes, 100, 100)
	require.True(t, c.long)
	c.run(restBytes, 100, 1)
	c.run(trialBytes, 50, 100)
	c.run(settleBytes, 1000, 100)
	c.run(trialBytes, 50, 100)
	require.False(t, c.long)
}
