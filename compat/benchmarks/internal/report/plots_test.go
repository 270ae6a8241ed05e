package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// drawSample returns the plots of the sample by file name.
func drawSample(t *testing.T) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "plots")
	names, err := WritePlots(dir, sample(t))
	require.NoError(t, err)
	plots := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, dir, filepath.Dir(name))
		plots[filepath.Base(name)] = string(text)
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, len(plots), "files that are not among the names")
	return plots
}

func TestWritePlotsIsDeterministic(t *testing.T) {
	first := drawSample(t)
	for range 5 { // the order of a map changes
		require.Equal(t, first, drawSample(t))
	}
}

func TestWritePlotsFiles(t *testing.T) {
	plots := drawSample(t)
	for name, want := range map[string][]string{
		"round-trip-64B.svg": {
			"round trip, 64 B", "posix", "posix, ring 256 MiB", "posix block", "bare ping-pong",
			"p50", "p99", "p99.9", "ZeroBuffer for Go", "limit of the machine", "others", "1 µs",
		},
		"round-trip-8B.svg": {"futex ping-pong"},
		"one-way-frames.svg": {
			"frames/s", "posix, batch 32", "bare slot ring", "unix socket", "64 B", "64 KiB", "10 M",
		},
		"one-way-bytes.svg": {"GB/s", "posix, zero-copy", "bare transfer", "3,110,400 B", "0.01"},
		"paced-64B.svg":     {"posix, 60/s", "posix, 1000/s"},
		"paced-8B.svg":      {"futex ping-pong, 60/s"},
	} {
		texts := textsOf(t, plots[name])
		for _, w := range want {
			require.Contains(t, texts, w, name)
		}
		delete(plots, name)
	}
	require.Empty(t, plots)
}

// TestWritePlotsFastestOnTop also places the legend: beside the plot, not on it.
func TestWritePlotsFastestOnTop(t *testing.T) {
	at := textsOf(t, drawSample(t)["round-trip-64B.svg"])
	require.Less(t, at["bare ping-pong"].y, at["posix"].y)
	require.Less(t, at["posix"].y, at["posix block"].y)
	require.Less(t, at["posix block"].y, at["python"].y)
	require.Greater(t, at["limit of the machine"].x, float64(plotWidth-legendWidth))
	require.Less(t, at["python"].x, at["limit of the machine"].x)
}

// TestWritePlotsWithoutFigures draws nothing from nothing.
func TestWritePlotsWithoutFigures(t *testing.T) {
	names, err := WritePlots(t.TempDir(), &Report{})
	require.NoError(t, err)
	require.Empty(t, names)
}

// TestWritePlotsOddValues has one value alone, and a 0, which has no logarithm.
func TestWritePlotsOddValues(t *testing.T) {
	f := func(measure, metric string, v float64) Figure {
		return Figure{
			Measure: measure, Transport: "posix", Size: 64, Metric: metric, Rounds: []float64{v},
		}
	}
	dir := t.TempDir()
	names, err := WritePlots(dir, &Report{Figures: []Figure{
		f(roundTrip, "p50", 0), f(oneWay, framesSecond, 1e6), f(oneWay, gigabytes, 0),
	}})
	require.NoError(t, err)
	require.Equal(t, []string{
		filepath.Join(dir, "round-trip-64B.svg"), filepath.Join(dir, "one-way-frames.svg"),
	}, names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, string(text), "NaN")
		require.NotContains(t, string(text), "Inf")
	}
}

// point is where a text stands; y counts downwards.
type point struct{ x, y float64 }

// textsOf reads the picture as XML, which it has to be, and returns its texts and their places.
func textsOf(t *testing.T, svg string) map[string]point {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	texts := map[string]point{}
	var at point
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			at = place(token)
		case xml.CharData:
			texts[strings.TrimSpace(string(token))] = at
		}
	}
}

func place(e xml.StartElement) (p point) {
	for _, a := range e.Attr {
		v, _ := strconv.ParseFloat(a.Value, 64) // other attributes are no numbers
		switch a.Name.Local {
		case "x":
			p.x = v
		case "y":
			p.y = v
		}
	}
	return p
}
