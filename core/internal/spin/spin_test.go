package spin

import (
	"bytes"
	"runtime"
	"sync/atomic"
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

func TestSpinnerSuccess(t *testing.T) {
	needTwoProcessors(t)
	var s Spinner
	s.Until(never)
	s.skip = 0
	require.Equal(t, uint32(7), s.Until(func() uint32 { return 7 }))
	require.Zero(t, s.skip)
	require.Zero(t, s.penalty, "what was in vain before is forgotten")
}

func TestSpinnerEndsInVain(t *testing.T) {
	needTwoProcessors(t)
	s := Spinner{ended: time.Now()}
	began := time.Now()
	require.Zero(t, s.Until(never))
	require.GreaterOrEqual(t, time.Since(began), shortest)
}

// TestSpinnerAsLongAsWorked shows that a spin may last longer after a long time without a wait.
func TestSpinnerAsLongAsWorked(t *testing.T) {
	needTwoProcessors(t)
	s := Spinner{ended: time.Now().Add(-300 * time.Microsecond)}
	began := time.Now()
	require.Zero(t, s.Until(never))
	require.GreaterOrEqual(t, time.Since(began), 600*time.Microsecond)
}

// TestSpinnerSparesBlock shows that a spin lasts twice as long as a short block before it, and not
// as a long one.
func TestSpinnerSparesBlock(t *testing.T) {
	needTwoProcessors(t)
	for took, least := range map[time.Duration]time.Duration{
		150 * time.Microsecond: 300 * time.Microsecond,
		20 * time.Second:       shortest,
	} {
		s := Spinner{}
		s.Blocked(time.Now(), took)
		began := time.Now()
		require.Zero(t, s.Until(never))
		require.GreaterOrEqual(t, time.Since(began), least)
		require.Equal(t, took <= nearby, s.spared != 0)
	}
}

// TestSpinnerCostly shows that long spins are left out although they are not in vain, if they are
// many in a row.
func TestSpinnerCostly(t *testing.T) {
	var s Spinner
	found := func(took, work time.Duration) {
		s.skip, s.spared = 0, longest
		start := time.Now().Add(-took)
		s.ended = start.Add(-work)
		s.found(start)
	}
	for range costlyMost {
		found(2*soon, 0)
		require.Zero(t, s.skip)
	}
	require.Equal(t, longest, s.spared)
	found(2*soon, 0)
	require.Equal(t, maxSkip, s.skip)
	for range 2 * costlyMost {
		found(2*soon, 0)
		require.Zero(t, s.skip)
		s.foundSoon()
		require.Zero(t, s.skip, "a short one makes up for it")
		require.Zero(t, s.spared, "and says that nothing has to be spared")
	}
	for range 2 * costlyMost {
		found(2*soon, longest)
		require.Zero(t, s.skip, "that much work allows it")
	}
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
}

// TestSpinnerShortBlock shows that waits which the kernel ends soon bring the spins back.
func TestSpinnerShortBlock(t *testing.T) {
	needTwoProcessors(t)
	s := Spinner{skip: maxSkip}
	for range 8 {
		s.Until(func() uint32 { t.Error("spins"); return 1 })
		s.Blocked(time.Now(), 30*time.Microsecond)
	}
	require.Zero(t, s.skip)
	s.skip = 10
	s.Blocked(time.Now(), time.Second)
	require.Equal(t, 10, s.skip, "a long block says nothing for a spin")
}

// TestSpinnerCrowded shows that a spin which keeps the other side from running is not repeated
// soon: each time the block after it ends at once.
func TestSpinnerCrowded(t *testing.T) {
	needTwoProcessors(t)
	var s Spinner
	for range crowdedMin {
		s.skip = 0
		require.Zero(t, s.Until(never))
		s.Blocked(time.Now(), time.Microsecond)
	}
	require.Equal(t, crowdedSkip, s.skip)
	s.Until(never)
	s.Blocked(time.Now(), time.Microsecond)
	require.Equal(t, crowdedSkip-1, s.skip, "short blocks do not bring the spins back")
}

func TestSpinnerModes(t *testing.T) {
	s := Spinner{Mode: Never}
	require.Zero(t, s.Until(func() uint32 { t.Error("spins"); return 1 }))
	s = Spinner{Mode: Always}
	for range 10 {
		require.Zero(t, s.Until(never))
	}
	require.Equal(t, uint32(1), s.Until(func() uint32 { return 1 }))
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
	require.Zero(t, testing.AllocsPerRun(100, func() { s.skip = 0; s.Until(never) }))
}

func TestPause(t *testing.T) {
	for _, n := range []uint32{1, 8, 1000} {
		Pause(n)
	}
}

func TestPrefetchChangesNothing(t *testing.T) {
	b := bytes.Repeat([]byte{1, 2, 3}, 1000)
	for _, n := range []int{0, 1, 63, 64, 65, len(b)} {
		PrefetchWrite(b[:n])
		PrefetchRead(b[:n])
	}
	var w atomic.Uint64
	PrefetchWriteWord(&w)
	require.Zero(t, w.Load())
	require.Equal(t, bytes.Repeat([]byte{1, 2, 3}, 1000), b)
}

func BenchmarkPause(b *testing.B) {
	for b.Loop() {
		Pause(1)
	}
}
