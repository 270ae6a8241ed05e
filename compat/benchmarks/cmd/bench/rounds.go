package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/report"
)

// inRounds measures each transport of a job in each round. Every other round goes the other way
// round, so that none is always the first.
func (b *bench) inRounds(ctx context.Context, j job) ([]report.Figure, error) {
	rounds := make([][]result, len(j.entrants))
	n := b.Rounds
	if j.measure == "idle" {
		n = 1 // to begin and to end would count in each
	}
	d := b.Duration * time.Duration(j.longer) / time.Duration(n)
	for round := range n {
		for i := range j.entrants {
			if round%2 == 1 {
				i = len(j.entrants) - 1 - i
			}
			r, err := b.one(ctx, j, j.entrants[i], d)
			if err != nil {
				return nil, fmt.Errorf("%s, %d bytes, %s: %w", j.measure, j.size,
					j.entrants[i].transport, err)
			}
			rounds[i] = append(rounds[i], r)
		}
	}
	var figures []report.Figure
	for i := range j.entrants {
		figures = append(figures, j.figures(j.entrants[i], rounds[i])...)
	}
	return figures, nil
}

// one measures one transport for one round.
func (b *bench) one(ctx context.Context, j job, e entrant, d time.Duration) (result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*d+watchdog,
		errors.New("wait for the processes: they hang"))
	defer cancel()
	r, err := b.try(ctx, j, e, d)
	if err != nil && ctx.Err() != nil {
		return r, errors.Join(context.Cause(ctx), err)
	}
	return r, err
}

// watchdog is how long two processes may take besides the time in which they measure.
const watchdog = time.Minute

func (b *bench) try(ctx context.Context, j job, e entrant, d time.Duration) (result, error) {
	if e.limit != nil {
		return b.runLimit(ctx, e, d)
	}
	return b.runPair(ctx, j, e, d)
}

// metricsOf are the metrics of one transport in the job.
func (j job) metricsOf(e entrant) []string {
	switch {
	case e.metrics != nil:
		return e.metrics
	case e.isOurs() && slices.Contains(allocsMeasures, j.measure):
		return append(slices.Clone(j.metrics), allocsFrame)
	default:
		return j.metrics
	}
}

// figures makes what the report says about one transport.
func (j job) figures(e entrant, rounds []result) []report.Figure {
	var figures []report.Figure
	for _, metric := range j.metricsOf(e) {
		f := report.Figure{
			Measure: j.measure, Transport: e.transport + e.which, Size: j.size, Batch: e.side.Batch,
			Ring: e.side.Ring, Rate: j.rate, ZeroCopy: e.side.ZeroCopy, Metric: metric,
		}
		for _, r := range rounds {
			f.Rounds = append(f.Rounds, r.value(metric, j.size))
		}
		figures = append(figures, f)
	}
	return figures
}

// value is one metric of a report.
func (r result) value(metric string, size int) float64 {
	switch metric {
	case "p50":
		return r.P50
	case "p99":
		return r.P99
	case "p99.9":
		return r.P999
	case "frames/s":
		return r.Rate
	case "GB/s":
		return r.Rate * float64(size) / 1e9
	case "ns/frame":
		return 1e9 / r.Rate
	case allocsFrame:
		return r.Allocs
	default: // cpu and cpu/frame
		return r.CPU
	}
}
