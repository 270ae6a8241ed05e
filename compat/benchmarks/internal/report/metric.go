package report

import (
	"fmt"
	"math"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// metric says how the values of a figure are written.
type metric struct {
	scales []scale // ascending
	unit   string  // in the format of Go's benchmarks
	factor float64 // from our unit to that one
}

// scale is a unit for people, and how many of ours it is.
type scale struct {
	of   float64
	name string
}

var (
	times  = []scale{{1, " ns"}, {1e3, " µs"}, {1e6, " ms"}, {1e9, " s"}}
	counts = []scale{{1, ""}, {1e3, " k"}, {1e6, " M"}, {1e9, " G"}}
	plain  = []scale{{1, ""}}
	shares = []scale{{0.01, " %"}}
)

// metrics are all that a report may have. benchstat knows "ns" at the end or before a slash and
// shows it in the unit that fits.
var metrics = map[string]metric{
	"p50":       {times, "p50-ns", 1},
	"p99":       {times, "p99-ns", 1},
	"p99.9":     {times, "p99.9-ns", 1},
	"ns/frame":  {times, "ns/frame", 1},
	"cpu/frame": {times, "cpu-ns/frame", 1},
	"frames/s":  {counts, "frames/s", 1},
	"GB/s":      {plain, "B/s", 1e9},
	"cpu":       {shares, "cores", 1},
	allocsFrame: {plain, "allocs/frame", 1},
}

// metricOrder is the order of columns.
var metricOrder = []string{
	"p50", "p99", "p99.9", "frames/s", "GB/s", "ns/frame", "cpu/frame", allocsFrame, "cpu",
}

// format writes a median with its spread, all three in the unit that fits the median.
func (m metric) format(s spread) string {
	in := m.fitting(s.median)
	return fmt.Sprintf("%s%s (%s..%s)", digits(s.median/in.of), in.name,
		digits(s.least/in.of), digits(s.most/in.of))
}

// one writes a single value.
func (m metric) one(v float64) string {
	in := m.fitting(v)
	return digits(v/in.of) + in.name
}

// tick writes a value that stands at an axis.
func (m metric) tick(v float64) string {
	in := m.fitting(v)
	return fmt.Sprintf("%.4g%s", v/in.of, in.name)
}

// fitting is the largest unit of which there is at least one.
func (m metric) fitting(v float64) scale {
	in := m.scales[0]
	for _, next := range m.scales[1:] {
		if v >= 0.9995*next.of {
			in = next
		}
	}
	return in
}

// digits writes a number with three digits, or with all that it has before the point. Below 0.1
// there are two.
func digits(v float64) string {
	switch {
	case v >= 99.95:
		return measure.Count(int64(math.Round(v)))
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.0995 || v <= 0:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.*f", 1-int(math.Floor(math.Log10(v))), v)
	}
}
