package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// sizes are a control message, a packet, a tensor and a frame of 1080p video in yuv420p.
var sizes = []int{64, 1 << 10, 64 << 10, 3_110_400}

// report is everything that was measured.
type report struct {
	RoundTrips []roundTrip `json:"round_trips"`
	OneWay     []oneWay    `json:"one_way"`
	Ratios     []ratio     `json:"ratios"`
}

// ratio is the speed of one backend in terms of another one.
type ratio struct {
	Backend string `json:"backend"`
	To      string `json:"to"`
	Measure string `json:"measure"`
	Size    int    `json:"size"`
	// Ratio is the median of the rounds; above 1 Backend is the faster one.
	Ratio float64 `json:"ratio"`
	// Best is the fastest round of one against the fastest of the other: those are the rounds in
	// which other programs disturbed the least.
	Best float64 `json:"best"`
	// Least and Most are of single rounds: how far the ratio can be trusted.
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// measureAll does one measurement after the other and prints each as soon as it is there.
func (p *plan) measureAll(ctx context.Context, live, stderr io.Writer) (*report, error) {
	all := &report{}
	show := func(format string, args ...any) { _, _ = fmt.Fprintf(live, format, args...) }
	show("round trip, 64 B     %10s %10s %10s %10s\n", "p50", "p99", "p99.9", "count")
	trips, err := inRounds(p, func(kind string, d time.Duration) (roundTrip, error) {
		return measureRoundTrip(ctx, kind, sizes[0], d, stderr)
	})
	if err != nil {
		return nil, fmt.Errorf("round trip: %w", err)
	}
	for _, rounds := range trips {
		r := medianRoundTrip(rounds)
		all.RoundTrips = append(all.RoundTrips, r)
		show("%-20s %10s %10s %10s %10s\n", r.Transport, measure.Duration(r.P50),
			measure.Duration(r.P99), measure.Duration(r.P999), measure.Count(r.Count))
	}
	all.compare(p, "round trip", sizes[0], speeds(trips, func(r roundTrip) float64 {
		return 1 / r.P50.Seconds()
	}))

	show("\none way              %10s %10s %10s\n", "size", "frames/s", "GB/s")
	for _, size := range sizes {
		flows, err := inRounds(p, func(kind string, d time.Duration) (oneWay, error) {
			return measureOneWay(ctx, kind, size, d, stderr)
		})
		if err != nil {
			return nil, fmt.Errorf("%d bytes one way: %w", size, err)
		}
		for _, rounds := range flows {
			r := medianOneWay(rounds)
			all.OneWay = append(all.OneWay, r)
			show("%-20s %10s %10s %10.3f\n", r.Transport, measure.Bytes(int64(size)),
				measure.Count(int64(r.FramesPerSecond)), r.GBPerSecond)
		}
		all.compare(p, "one way", size, speeds(flows, func(r oneWay) float64 {
			return r.FramesPerSecond
		}))
	}
	all.showRatios(show)
	return all, nil
}

// inRounds measures each transport in each round, and returns the rounds of each transport. Every
// other round goes the other way round, so that none is always the first.
func inRounds[R any](
	p *plan, one func(kind string, d time.Duration) (R, error),
) ([][]R, error) {
	results := make([][]R, len(p.kinds))
	for round := range p.rounds {
		for i := range p.kinds {
			if round%2 == 1 {
				i = len(p.kinds) - 1 - i
			}
			r, err := one(p.kinds[i], p.duration/time.Duration(p.rounds))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", label(p.kinds[i]), err)
			}
			results[i] = append(results[i], r)
		}
	}
	return results, nil
}

// speeds takes a number out of each result, of which more is better.
func speeds[R any](results [][]R, speed func(R) float64) [][]float64 {
	all := make([][]float64, len(results))
	for i, rounds := range results {
		for _, r := range rounds {
			all[i] = append(all[i], speed(r))
		}
	}
	return all
}

// compare adds the ratio of each further backend to the first one, round by round.
func (r *report) compare(p *plan, what string, size int, speeds [][]float64) {
	for i, kind := range p.kinds {
		if i == 0 || kind == kindSocket {
			continue
		}
		var ratios []float64
		for round, speed := range speeds[i] {
			ratios = append(ratios, speed/speeds[0][round])
		}
		r.Ratios = append(r.Ratios, ratio{
			label(kind), label(p.kinds[0]), what, size,
			median(ratios), slices.Max(speeds[i]) / slices.Max(speeds[0]),
			slices.Min(ratios), slices.Max(ratios),
		})
	}
}

func (r *report) showRatios(show func(format string, args ...any)) {
	if len(r.Ratios) == 0 {
		return
	}
	show("\nspeed in rounds      %10s %10s %10s %10s %10s\n",
		"size", "median", "best", "least", "most")
	for _, q := range r.Ratios {
		show("%-20s %10s %10.3f %10.3f %10.3f %10.3f  %s\n", q.Backend+" / "+q.To,
			measure.Bytes(int64(q.Size)), q.Ratio, q.Best, q.Least, q.Most, q.Measure)
	}
}

// label is the name of a transport in reports.
func label(kind string) string { return strings.TrimSuffix(kind, ":") }

// median sorts values and returns the one in the middle, of an even number the lower one.
func median[T int64 | float64 | time.Duration](values []T) T {
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
