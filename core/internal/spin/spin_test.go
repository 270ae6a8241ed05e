package spin

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// needTwoProcessors skips where a Spinner rightly never spins.
func needTwoProcessors(t *testing.T) {
	t.Helper()
	if runtime.NumCPU() == 1 || runtime.GOMAXPROCS(0) == 1 {
		t.Skip("with one processor nothing spins")
	}
}

func never() uint32 { return 0 }

func TestSpinnerHit(t *testing.T) {
	needTwoProcessors(t)
	var s Spinner
	for i := uint32(1); i < 100; {
		n := s.Until(func() uint32 { return i })
		if n == 0 {
			s.Hit() // the machine was busy between two looks at the clock
			continue
		}
		require.Equal(t, i, n)
		i++
	}
	require.Zero(t, s)
}

func TestSpinnerEndsInVain(t *testing.T) {
	needTwoProcessors(t)
	var s Spinner
	began := time.Now()
	require.Zero(t, s.Until(never))
	require.GreaterOrEqual(t, time.Since(began), limit)
}

// TestSpinnerBacksOff shows that spins in vain become rare: 1, 3, 7... waits go by without one.
func TestSpinnerBacksOff(t *testing.T) {
	needTwoProcessors(t)
	var s Spinner
	for _, want := range []int{1, 3, 7, 15, 31, 63, 127, 255, 256, 256} {
		require.Zero(t, s.Until(never))
		require.Equal(t, want, s.skip)
		for range want {
			s.Until(func() uint32 { t.Error("spins"); return 1 })
		}
		require.Zero(t, s.skip)
	}
	s.Until(never)
	s.Hit()
	require.Zero(t, s, "after a short wait it spins again")
}

// TestSpinnerOneProcessor never looks: whoever is waited for could not run.
func TestSpinnerOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var s Spinner
	for range 1000 {
		require.Zero(t, s.Until(func() uint32 { t.Error("spins"); return 1 }))
	}
}

func TestSpinnerAllocatesNothing(t *testing.T) {
	var s Spinner
	require.Zero(t, testing.AllocsPerRun(100, func() { s.Hit(); s.Until(never) }))
}

func TestPause(t *testing.T) {
	for _, n := range []uint32{1, 8, 1000} {
		Pause(n)
	}
}

func BenchmarkPause(b *testing.B) {
	for b.Loop() {
		Pause(pauses)
	}
}
