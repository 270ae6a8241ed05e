package report

import (
	"fmt"
	"slices"
	"strings"
)

// verdict is what came of a target for one figure of ours.
type verdict struct {
	target
	ours  *Figure
	limit *Figure // nil if the bound is a value
	// is the ratio of ours to the limit, round by round, or the value of ours.
	is spread
}

// better is the sign of the way in which the figure improves: +1 or -1.
func (v verdict) better() float64 {
	if higherIsBetter(v.ours.Metric) {
		return 1
	}
	return -1
}

// reached goes by the median.
func (v verdict) reached() bool { return v.better()*(v.is.median-v.bound) >= 0 }

// judge holds every figure that the target is about against its bound. None is not an error: not
// every run measures everything.
func (r *Report) judge(t target) ([]verdict, error) {
	var verdicts []verdict
	for _, ours := range r.find(t.ours) {
		v := verdict{target: t, ours: ours, is: spreadOf(ours.Rounds)}
		if t.against != "" {
			v.limit = r.best(key{
				t.ours.measure, t.against, t.ours.metric, ours.Size, 0, 0, ours.Rate,
			})
			if v.limit == nil || (ours.ZeroCopy && !v.limit.ZeroCopy) {
				continue // who leaves bytes out is not compared with who does not
			}
			ratios, err := divide(ours.Rounds, v.limit.Rounds)
			if err != nil {
				return nil, fmt.Errorf("compare %s of %s, %s, with %s: %w", ours.Metric,
					ours.Measure, ours.label(), v.limit.label(), err)
			}
			v.is = spreadOf(ratios)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

// divide goes round by round: what else the machine did in a round has hit both.
func divide(ours, limit []float64) ([]float64, error) {
	if len(ours) != len(limit) {
		return nil, fmt.Errorf("%d rounds and %d rounds, they have to be the same",
			len(ours), len(limit))
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		if limit[i] == 0 {
			return nil, fmt.Errorf("round %d of the limit is 0", i+1)
		}
		ratios[i] = ours[i] / limit[i]
	}
	return ratios, nil
}

// find returns all figures for which the key stands.
func (r *Report) find(k key) []*Figure {
	var found []*Figure
	for i := range r.Figures {
		f := &r.Figures[i]
		if k.isAbout(f) && max(f.Batch, 1) == max(k.batch, 1) && f.Ring == k.ring {
			found = append(found, f)
		}
	}
	return found
}

// best returns the figure with the best median of all that differ only in ring and batch, or nil.
func (r *Report) best(k key) *Figure {
	var best *Figure
	for i := range r.Figures {
		f := &r.Figures[i]
		if !k.isAbout(f) {
			continue
		}
		if best == nil || higherIsBetter(k.metric) ==
			(spreadOf(f.Rounds).median > spreadOf(best.Rounds).median) {
			best = f
		}
	}
	return best
}

// isAbout leaves ring and batch open.
func (k key) isAbout(f *Figure) bool {
	// A futex carries no payload, so its figures stand for every size.
	anySize := k.size == 0 || k.transport == futex
	return f.Measure == k.measure && k.names(f.Transport) && f.Metric == k.metric &&
		(anySize || f.Size == k.size) && f.Rate == k.rate
}

// names says whether the key stands for a transport. Who idles may stand behind its name.
func (k key) names(transport string) bool {
	if k.measure == "idle" {
		transport = strings.TrimSuffix(strings.TrimSuffix(transport, " reader"), " writer")
	}
	return transport == k.transport
}

// limits are the figures of the run that have a bracket, with it.
func (r *Report) limits() ([]bracket, []*Figure) {
	held := slices.DeleteFunc(slices.Clone(brackets), func(b bracket) bool {
		return !b.holds(r.Settings) || r.best(b.limit) == nil
	})
	var figures []*Figure
	for _, b := range held {
		figures = append(figures, r.best(b.limit))
	}
	return held, figures
}
