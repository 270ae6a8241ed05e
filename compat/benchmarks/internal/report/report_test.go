package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the files in testdata that the tests compare with")

// sample is a small report in which no number was measured.
func sample(t *testing.T) *Report {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "report.json"))
	require.NoError(t, err)
	defer f.Close()
	r, err := ReadJSON(f)
	require.NoError(t, err)
	return r
}

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s, -want +got, -update takes it:\n%s", name, diff)
	}
}

func TestWriteTable(t *testing.T) {
	var b strings.Builder
	require.NoError(t, WriteTable(&b, sample(t)))
	golden(t, "table.txt", b.String())
}

func TestWriteTableWithoutZeroCopyHasNoNote(t *testing.T) {
	r := &Report{Figures: []Figure{{
		Measure: "one way", Transport: "posix", Size: 64, Metric: "GB/s", Rounds: []float64{1},
	}}}
	var b strings.Builder
	require.NoError(t, WriteTable(&b, r))
	require.NotContains(t, b.String(), "zero-copy")
	require.Contains(t, b.String(), "processes not pinned")
}

// TestWriteTableSameTransportTwice shows what the machine alone does to numbers.
func TestWriteTableSameTransportTwice(t *testing.T) {
	f := Figure{Measure: "one way", Transport: "posix", Size: 64, Metric: "frames/s"}
	first, second := f, f
	first.Rounds, second.Rounds = []float64{1e6}, []float64{2e6}
	var b strings.Builder
	require.NoError(t, WriteTable(&b, &Report{Figures: []Figure{first, second}}))
	require.Contains(t, b.String(), "posix           1.00 M (1.00..1.00)\n")
	require.Contains(t, b.String(), "posix           2.00 M (2.00..2.00)\n")
}

func TestJSONThereAndBack(t *testing.T) {
	want := sample(t)
	var b bytes.Buffer
	require.NoError(t, WriteJSON(&b, want))
	got, err := ReadJSON(&b)
	require.NoError(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReadJSONRefuses(t *testing.T) {
	figure := func(rest string) string {
		return `{"figures": [{"measure": "one way", "transport": "posix", "size": 64, ` + rest + `}]}`
	}
	for name, c := range map[string]struct{ text, want string }{
		"not-json":       {"frames", "read report"},
		"unknown-field":  {`{"rounds": 3}`, "rounds"},
		"unknown-metric": {figure(`"metric": "furlongs", "rounds": [1]`), "unknown metric"},
		"no-rounds":      {figure(`"metric": "p50", "rounds": []`), "no rounds"},
		"negative":       {figure(`"metric": "p50", "rounds": [1, -2]`), "round 2 is -2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadJSON(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// TestWritersRefuse a report that nobody can read: all of them look at it first.
func TestWritersRefuse(t *testing.T) {
	r := &Report{Figures: []Figure{{Measure: "idle", Transport: "posix", Metric: "cpu"}}}
	const want = "show cpu of idle, posix: it has no rounds"
	require.EqualError(t, WriteTable(io.Discard, r), want)
	require.EqualError(t, WriteJSON(io.Discard, r), want)
	require.EqualError(t, WriteBenchfmt(io.Discard, r), want)
	require.EqualError(t, WriteTargets(io.Discard, r), want)
	_, err := WritePlots(t.TempDir(), r)
	require.EqualError(t, err, want)
}

// full refuses everything, as a full disk does.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWritersReportErrors(t *testing.T) {
	r := sample(t)
	require.ErrorIs(t, WriteTable(full{}, r), os.ErrClosed)
	require.ErrorIs(t, WriteJSON(full{}, r), os.ErrClosed)
	require.ErrorIs(t, WriteBenchfmt(full{}, r), os.ErrClosed)
	require.ErrorIs(t, WriteTargets(full{}, r), os.ErrClosed)
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	_, err := WritePlots(blocked, r)
	require.ErrorContains(t, err, "place the plots")
}

func TestSpread(t *testing.T) {
	require.Equal(t, spread{3, 1, 9}, spreadOf([]float64{9, 1, 3}))
	require.Equal(t, spread{2.5, 1, 9}, spreadOf([]float64{9, 1, 3, 2}))
	values := []float64{2, 1}
	spreadOf(values)
	require.Equal(t, []float64{2, 1}, values, "the order of the rounds must stay")
}

func TestMetricFormat(t *testing.T) {
	for want, s := range map[string]spread{
		"412 ns (405..430)":       {412, 405, 430},
		"999 ns (1.00..51,500)":   {999.4, 1, 51_500},
		"1.00 µs (0.99..9.50)":    {999.6, 990, 9_500},
		"57.8 µs (9.50..100)":     {57_800, 9_500, 99_970},
		"2.86 ms (2.77..2.94)":    {2_860_000, 2_770_000, 2_940_000},
		"1.50 s (0.0010..2.00)":   {1.5e9, 1e6, 2e9},
		"0.00 ns (0.00..0.00)":    {0, 0, 0},
		"0.064 ns (0.0013..0.10)": {0.064, 0.00134, 0.1},
	} {
		require.Equal(t, want, metrics["p50"].format(s))
	}
	require.Equal(t, "133 M", metrics["frames/s"].one(133e6))
	require.Equal(t, "0.50 %", metrics["cpu"].one(0.005))
	require.Equal(t, "60.0", metrics["frames/s"].one(60))
}

func TestSizeName(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 64: "64 B", 1 << 10: "1 KiB", 64 << 10: "64 KiB", 256 << 20: "256 MiB",
		3 << 40: "3,072 GiB", 3_110_400: "3,110,400 B", 1500: "1,500 B",
	} {
		require.Equal(t, want, sizeName(n))
	}
}
