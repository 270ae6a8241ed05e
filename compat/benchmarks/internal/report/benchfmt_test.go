package report

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

// parsed is what benchstat's reader makes of the sample.
func parsed(t *testing.T) ([]*benchfmt.Result, *benchfmt.Reader) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteBenchfmt(&b, sample(t)))
	reader := benchfmt.NewReader(&b, "sample")
	var results []*benchfmt.Result
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.Result:
			results = append(results, record.Clone())
		case *benchfmt.SyntaxError:
			t.Errorf("benchstat cannot read it: %v", record)
		}
	}
	require.NoError(t, reader.Err())
	return results, reader
}

func TestWriteBenchfmtNames(t *testing.T) {
	results, _ := parsed(t)
	count := map[string]int{}
	for _, r := range results {
		count[string(r.Name)]++
	}
	for _, name := range []string{
		"RoundTrip/transport=posix/frame=64B",
		"RoundTrip/transport=posix/frame=64B/ring=256MiB",
		"RoundTrip/transport=bare-ping-pong/frame=64B",
		"OneWay/transport=posix/frame=64B/batch=32",
		"OneWay/transport=posix/frame=64KiB",
		"OneWay/transport=posix/frame=3110400B/zerocopy=yes",
		"Paced/transport=posix/frame=64B/rate=60",
		"Paced/transport=posix/frame=64B/rate=1000",
		"Idle/transport=posix/frame=0B",
	} {
		require.Equal(t, 3, count[name], "a line for each round of %s, there are %v", name, count)
	}
}

func TestWriteBenchfmtValues(t *testing.T) {
	results, reader := parsed(t)
	values := func(name, unit string) (values []float64) {
		for _, r := range results {
			if v, ok := r.Value(unit); ok && string(r.Name) == name {
				values = append(values, v)
			}
		}
		return values
	}
	// The reader turns nanoseconds into seconds.
	const trip, flow = "RoundTrip/transport=posix/frame=64B", "OneWay/transport=posix/frame=64B"
	require.InDeltaSlice(t, []float64{520e-9, 1040e-9, 530e-9}, values(trip, "p50-sec"), 1e-15)
	require.InDeltaSlice(t, []float64{9.5e-6, 25.6e-6, 57.8e-6}, values(trip, "p99.9-sec"), 1e-15)
	require.Equal(t, []float64{42e6, 40e6, 41e6}, values(flow, "frames/s"))
	require.InDeltaSlice(t, []float64{2.688e9, 2.56e9, 2.624e9}, values(flow, "B/s"), 1)
	require.InDeltaSlice(t, []float64{45e-9, 47e-9, 46e-9}, values(flow, "cpu-sec/frame"), 1e-15)
	require.Equal(t, []float64{0.0000021, 0, 0.002}, values(flow, "allocs/frame"))
	require.Equal(t, []float64{0.0008, 0.0009, 0.0011},
		values("Idle/transport=posix/frame=0B", "cores"))
	require.Equal(t, 1, reader.Units().GetBetter("frames/s"))
	require.Equal(t, 1, reader.Units().GetBetter("B/s"))
	for _, unit := range []string{
		"p50-ns", "p99-ns", "p99.9-ns", "ns/frame", "cores", "allocs/frame",
	} {
		require.Equal(t, -1, reader.Units().GetBetter(unit), unit)
	}
}

func TestWriteBenchfmtConfig(t *testing.T) {
	results, _ := parsed(t)
	for key, want := range map[string]string{
		"goos": runtime.GOOS, "goarch": runtime.GOARCH, "cpu": "Made-up CPU", "cpus": "2",
		"kernel": "Linux 6.18.0", "go": "go1.26.8", "pinned": "true",
	} {
		require.Equal(t, want, results[0].GetConfig(key), key)
	}
	require.Empty(t, results[0].GetConfig("zerobuffer"), "it would keep commits from being compared")
}
