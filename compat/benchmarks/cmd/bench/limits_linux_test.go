package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The limits need nothing but a compiler, and say when one of them does not do its work.
func TestCrossProcessLimits(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc")
	}
	b := newBench(t, "bare-ping-pong", "futex-ping-pong", "bare-slot-ring", "bare-transfer", "memcpy")
	b.Sizes = []int{64, 64 << 10}
	programs := map[string]bool{}
	for _, j := range b.jobs() {
		for _, e := range j.entrants {
			programs[e.limit[0]] = true
			r, err := b.runLimit(t.Context(), e, b.Duration)
			require.NoError(t, err)
			require.Positive(t, r.Frames)
			require.Positive(t, r.Rate+r.P50, e.limit)
			if e.transport == futexPingPong {
				require.Positive(t, r.CPU)
			}
		}
	}
	require.Len(t, programs, 5)
	_, err := b.runLimit(t.Context(), limit("x", "transfer"), b.Duration) // without its size
	require.ErrorContains(t, err, "run limits/transfer: exit status 2")
}
