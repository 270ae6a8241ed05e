package measure

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if IsSecond() {
		second()
		return
	}
	os.Exit(m.Run())
}

// second is the second process: it tells its time, or waits for its end.
func second() {
	ctx, cancel := SecondContext(context.Background(), os.Stdin)
	defer cancel()
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		<-ctx.Done()
		fmt.Fprintln(os.Stderr, "ended")
	}
	_ = PrintResult(Now())
}

func TestNumbersForPeople(t *testing.T) {
	require.Equal(t, "0", Count(0))
	require.Equal(t, "999", Count(999))
	require.Equal(t, "3,110,400", Count(3_110_400))
	require.Equal(t, "-1,000", Count(-1000))
	require.Equal(t, "1,024 B", Bytes(1024))
	require.Equal(t, "3.0 MiB", Bytes(3_110_400))
	for d, want := range map[time.Duration]string{
		0: "0 ns", 830: "830 ns", 999: "999 ns", 1234: "1.23 µs", 12_340: "12.3 µs",
		123_400: "123 µs", 999_600: "1.00 ms", 9_996_000: "10.0 ms", 2 * time.Second: "2.00 s",
		time.Hour: "3600 s",
	} {
		require.Equal(t, want, Duration(d))
	}
}

func TestNowGoesOnLikeTime(t *testing.T) {
	wall := time.Now() // around both looks at Now
	start := Now()
	time.Sleep(20 * time.Millisecond)
	took, want := time.Duration(Now()-start), time.Since(wall)
	require.GreaterOrEqual(t, took, 20*time.Millisecond)
	require.LessOrEqual(t, took, want)
}

func TestLatencyPercentiles(t *testing.T) {
	l := NewLatency()
	require.Zero(t, l.At(50))
	for i := 1; i <= 1000; i++ {
		l.Record(time.Duration(i) * time.Microsecond)
	}
	l.Record(-5)        // clocks of two processes may differ by this much
	l.Record(time.Hour) // beyond the range
	require.EqualValues(t, 1002, l.Count())
	s := l.Summary()
	require.InEpsilon(t, 500*time.Microsecond, s.P50, 0.01)
	require.InEpsilon(t, 990*time.Microsecond, s.P99, 0.01)
	require.InEpsilon(t, time.Millisecond, s.P999, 0.01)
	require.InEpsilon(t, time.Minute, l.At(100), 0.01)
}

func TestCrossProcessClock(t *testing.T) {
	before := Now()
	var during int64
	s, err := StartSecond(context.Background(), os.Stderr)
	require.NoError(t, err)
	require.NoError(t, s.Wait(&during))
	after := Now()
	if during < before || during > after {
		t.Errorf("time of the second process %d is not between %d and %d", during, before, after)
	}
}

func TestCrossProcessEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var stderr bytes.Buffer
	s, err := StartSecond(ctx, &stderr, "wait")
	require.NoError(t, err)
	cancel()
	require.Error(t, s.Wait(new(int64)))
	require.Equal(t, "ended\n", stderr.String())
}
