package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/report"
	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// printFigures prints the medians of one job.
func printFigures(w io.Writer, figures []report.Figure) {
	for i, f := range figures {
		if i == 0 {
			fmt.Fprintf(w, "\n%s, %s", f.Measure, measure.Bytes(int64(f.Size)))
			if f.Rate > 0 {
				fmt.Fprintf(w, ", %d frames/s", f.Rate)
			}
		}
		if i == 0 || f.Transport != figures[i-1].Transport || f.Batch != figures[i-1].Batch ||
			f.Ring != figures[i-1].Ring || f.Metric == figures[i-1].Metric {
			fmt.Fprintf(w, "\n%-36s", label(f))
		}
		fmt.Fprintf(w, " %12.4g %-9s", median(f.Rounds), f.Metric)
	}
	fmt.Fprintln(w)
}

func label(f report.Figure) string {
	text := f.Transport
	if f.Batch > 1 {
		text += fmt.Sprintf(", batch %d", f.Batch)
	}
	if f.Ring > 0 {
		text += ", ring " + measure.Bytes(f.Ring)
	}
	return text
}

// median is the value in the middle, of an even number the lower one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}
