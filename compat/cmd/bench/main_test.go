package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/internal/pattern"
	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

func TestMain(m *testing.M) {
	if measure.IsSecond() {
		main()
	}
	os.Exit(m.Run())
}

func call(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

func needBackend(t *testing.T) {
	t.Helper()
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
}

func TestCrossProcessMeasuresEverything(t *testing.T) {
	needBackend(t)
	transports := []string{"posix", "memfd:@", kindSocket}
	if runtime.GOOS != "linux" {
		transports = []string{native.Default(), native.Default()}
	}
	code, stdout, stderr := call(context.Background(), "--duration", "60ms", "--rounds", "2",
		"--backends", transports[0]+","+transports[1], "--json")
	require.Equal(t, 0, code, stderr)
	var got report
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Len(t, got.RoundTrips, len(transports))
	require.Len(t, got.OneWay, len(transports)*len(sizes))
	require.Len(t, got.Ratios, 1+len(sizes))
	for i, r := range got.RoundTrips {
		require.Equal(t, transports[i], r.Transport)
		if r.Count < 1 || r.P50 <= 0 || r.P999 < r.P50 {
			t.Errorf("round trip %+v", r)
		}
	}
	for i, r := range got.OneWay {
		require.Equal(t, transports[i%len(transports)], r.Transport)
		require.Equal(t, sizes[i/len(transports)], r.Size)
		if r.Frames < 2 || r.GBPerSecond <= 0 {
			t.Errorf("one way %+v", r)
		}
	}
	for _, r := range got.Ratios {
		require.Equal(t, transports[1]+" to "+transports[0], r.Backend+" to "+r.To)
		if r.Ratio <= 0 || r.Best <= 0 || r.Least > r.Ratio || r.Most < r.Ratio {
			t.Errorf("ratio %+v", r)
		}
	}
}

func TestCrossProcessTable(t *testing.T) {
	needBackend(t)
	code, stdout, stderr := call(context.Background(), "--duration", "20ms", "--rounds", "1")
	require.Equal(t, 0, code, stderr)
	for _, scheme := range native.Backends() {
		require.Contains(t, stdout, "\n"+scheme+" ")
	}
	if len(native.Backends()) > 1 {
		require.Contains(t, stdout, " / "+native.Default()+" ")
	}
}

// The same numbers as a person would work them out.
func TestMediansAndRatios(t *testing.T) {
	p := &plan{rounds: 3, kinds: []string{"posix:", "memfd:", kindSocket}}
	var order []string
	flows, err := inRounds(p, func(kind string, _ time.Duration) (oneWay, error) {
		order = append(order, kind)
		speed := map[string][]float64{
			"posix:": {100, 200, 50}, "memfd:": {95, 180, 55}, kindSocket: {1, 1, 1},
		}[kind][(len(order)-1)/3]
		return oneWay{Transport: label(kind), Size: 1e7, Frames: 10, FramesPerSecond: speed}, nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{
		"posix:", "memfd:", kindSocket, kindSocket, "memfd:", "posix:", "posix:", "memfd:", kindSocket,
	}, order)
	require.Equal(t, oneWay{"posix", 1e7, 30, 100, 1}, medianOneWay(flows[0]))
	require.Equal(t, oneWay{"memfd", 1e7, 30, 95, 0.95}, medianOneWay(flows[1]))
	r := &report{}
	r.compare(p, "one way", 1e7, speeds(flows, func(r oneWay) float64 { return r.FramesPerSecond }))
	require.Equal(t, []ratio{{"memfd", "posix", "one way", 1e7, 0.95, 0.9, 0.9, 1.1}}, r.Ratios)

	trip := func(n int64, p50, p99 time.Duration) roundTrip {
		return roundTrip{"posix", 64, n, measure.Summary{P50: p50, P99: p99, P999: 9}}
	}
	all := medianRoundTrip([]roundTrip{trip(1, 3, 4), trip(2, 1, 8), trip(3, 2, 5)})
	require.Equal(t, trip(6, 2, 5), all)
}

// sequence gives frames of the pattern and then the end.
type sequence struct{ given, all int }

func (s *sequence) receive(_ context.Context, n int, use func([]byte)) error {
	if s.given == s.all {
		return io.EOF
	}
	frame := make([]byte, n)
	pattern.Sequential.Fill(frame, uint64(s.given))
	s.given++
	time.Sleep(time.Millisecond) // so that each has a time of its own
	use(frame)
	return nil
}

func (*sequence) close() error { return nil }

// Frames that come while it warms up do not count, unless there are no others.
func TestDrainWarmsUp(t *testing.T) {
	for _, c := range []struct {
		warm          time.Duration
		least, counts int64
	}{{0, 9, 9}, {3 * time.Millisecond, 2, 9}, {time.Hour, 10, 10}} {
		took, counted, received, err := drain(t.Context(), &sequence{all: 10}, 8, c.warm)
		require.NoError(t, err)
		require.Equal(t, int64(10), received)
		require.LessOrEqual(t, counted, c.counts)
		require.GreaterOrEqual(t, counted, c.least)
		require.GreaterOrEqual(t, took, time.Duration(counted-1)*time.Millisecond)
	}
}

func TestInterrupted(t *testing.T) {
	needBackend(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	code, _, stderr := call(ctx)
	require.Equal(t, 130, code)
	require.Equal(t, "bench: stopped\n", stderr)
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{
		{"--duration", "0"},
		{"extra"},
		{"--what"},
		{"--rounds", "0"},
		{"--backends", "memfd:a/"},
		{"--backends", "posix,,win"},
	} {
		code, _, stderr := call(context.Background(), args...)
		require.Equal(t, 2, code)
		require.NotEmpty(t, stderr)
	}
	require.Equal(t, 1, runSecond(context.Background(), nil, bytes.NewReader(nil), os.Stderr))
}
