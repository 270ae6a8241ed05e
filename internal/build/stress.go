package build

import (
	"context"
	"strconv"
	"time"
)

// stressPackage has the tests that let chance work on real processes.
const stressPackage = "./compat/stress"

// Soak does the long run, and shows what it has counted.
func Soak(ctx context.Context, length time.Duration) error {
	c := Command{Env: []string{"SOAK=" + length.String()}}
	return c.stress(ctx, "^TestSoak", length+4*time.Minute)
}

// Stress does so many rounds of each of the other tests, and shows what they have counted.
func Stress(ctx context.Context, rounds int) error {
	c := Command{Env: []string{"ZEROBUFFER_RUNS=" + strconv.Itoa(rounds)}}
	return c.stress(ctx, "^Test(AttachRace|ReapStorm|Schedule)", 2*time.Hour)
}

func (c Command) stress(ctx context.Context, tests string, limit time.Duration) error {
	return c.Run(ctx, "go", "test", stressPackage, "-count=1", "-v", "-run="+tests,
		"-timeout="+limit.String())
}
