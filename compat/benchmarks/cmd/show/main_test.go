package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var sample = filepath.Join("..", "..", "internal", "report", "testdata", "report.json")

func TestShow(t *testing.T) {
	dir := t.TempDir()
	lines, plots := filepath.Join(dir, "lines"), filepath.Join(dir, "plots")
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"--benchfmt", lines, "--plots", plots, sample}, &stdout, &stderr))
	require.Empty(t, stderr.String())
	require.Contains(t, stdout.String(), "round trip, 64 B")
	require.Contains(t, stdout.String(), "at most 1.30")
	text, err := os.ReadFile(lines)
	require.NoError(t, err)
	require.Contains(t, string(text), "BenchmarkRoundTrip/transport=posix/frame=64B 1 520 p50-ns")
	require.FileExists(t, filepath.Join(plots, "round-trip-64B.svg"))
}

func TestShowSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no-file":      {nil, 2, "takes one file"},
		"two-files":    {[]string{sample, sample}, 2, "takes one file"},
		"unknown-flag": {[]string{"--pie"}, 2, "pie"},
		"missing-file": {[]string{"nowhere.json"}, 1, "open report"},
		"not-a-report": {[]string{"main.go"}, 1, "read report"},
		"no-place":     {[]string{"--benchfmt", "main.go/x", sample}, 1, "write for benchstat"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, c.code, run(c.args, &stdout, &stderr))
			require.Contains(t, stderr.String(), c.want)
		})
	}
}
