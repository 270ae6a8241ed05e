package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// spread is the middle of the rounds, and between what they were.
type spread struct{ median, least, most float64 }

// spreadOf needs at least one value. Of an even number the median is between the two in the middle.
func spreadOf(rounds []float64) spread {
	sorted := slices.Sorted(slices.Values(rounds))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// higherIsBetter tells speeds from times.
func higherIsBetter(metric string) bool { return metric == "frames/s" || metric == "GB/s" }

// check says which figure cannot be shown: everything else here relies on at least one round with
// a number in it.
func (r *Report) check() error {
	for i := range r.Figures {
		f := &r.Figures[i]
		if err := f.check(); err != nil {
			return fmt.Errorf("show %s of %s, %s: %w", f.Metric, f.Measure, f.label(), err)
		}
	}
	return nil
}

func (f *Figure) check() error {
	if _, ok := metrics[f.Metric]; !ok {
		return errors.New("unknown metric")
	}
	if len(f.Rounds) == 0 {
		return errors.New("it has no rounds")
	}
	for i, v := range f.Rounds {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("round %d is %v", i+1, v)
		}
	}
	return nil
}
