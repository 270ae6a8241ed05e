package report

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// WriteTargets prints what came of each target that the figures of the report say something about:
// the ratio to another transport of the same run, divided round by round, or a value; then what the
// limits were, with a warning where they are not what they were when the targets were set.
func WriteTargets(w io.Writer, r *Report) error {
	if err := r.check(); err != nil {
		return err
	}
	var b strings.Builder
	var without []target
	var errs []error
	fmt.Fprintf(&b, "targets, %s\n", r.pinning())
	lines := [][]string{{"measure", "ours", "against", "median (least..most)", "target"}}
	for _, goal := range targets {
		verdicts, err := r.judge(goal)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(verdicts) == 0 {
			without = append(without, goal)
		}
		for i := range verdicts {
			lines = append(lines, verdicts[i].cells())
		}
	}
	writeAligned(&b, lines)
	writeWithout(&b, without)
	r.writeLimits(&b)
	_, err := io.WriteString(w, b.String())
	return errors.Join(append(errs, err)...)
}

// cells is one line of the table.
func (v verdict) cells() []string {
	m := metrics[v.ours.Metric]
	number := func(f *Figure) string {
		return f.label() + " " + m.one(spreadOf(f.Rounds).median)
	}
	against, is, bound := "", m.format(v.is), m.one(v.bound)
	if v.limit != nil {
		against = "/ " + number(v.limit)
		is = fmt.Sprintf("%.3f (%.3f..%.3f)", v.is.median, v.is.least, v.is.most)
		bound = fmt.Sprintf("%.2f", v.bound)
	}
	end := "reached"
	if !v.reached() {
		end = fmt.Sprintf("missed by %.1f %%", 100*math.Abs(v.is.median/v.bound-1))
	}
	return []string{v.ours.what(), number(v.ours), against, is, v.sense() + " " + bound, end}
}

func (t target) sense() string {
	if higherIsBetter(t.ours.metric) {
		return "at least"
	}
	return "at most"
}

// what is the title of the figure's table and its metric.
func (f *Figure) what() string {
	return group{[]row{{first: f}}}.title() + ", " + f.Metric
}

// writeWithout lists the targets about which the run says nothing, so that nobody takes them for
// reached.
func writeWithout(b *strings.Builder, without []target) {
	if len(without) == 0 {
		return
	}
	fmt.Fprintln(b, "\nnot measured in this run, so these targets are open:")
	for _, t := range without {
		k := t.ours
		f := Figure{
			Measure: k.measure, Transport: k.transport, Metric: k.metric,
			Size: k.size, Batch: k.batch, Ring: k.ring, Rate: k.rate,
		}
		line := f.what() + ": " + f.label()
		if t.against != "" {
			line += " / " + t.against
		}
		fmt.Fprintln(b, line)
	}
}

// writeLimits prints the limits that have a bracket, and the warnings.
func (r *Report) writeLimits(b *strings.Builder) {
	held, figures := r.limits()
	if len(held) == 0 {
		return
	}
	var warnings []string
	lines := [][]string{{"limits", "", "now", "when the targets were set"}}
	for i, bracket := range held {
		f := figures[i]
		m, s := metrics[f.Metric], spreadOf(f.Rounds)
		then := m.one(bracket.least)
		if bracket.most > bracket.least {
			then += " to " + m.one(bracket.most)
		}
		lines = append(lines, []string{f.label(), f.what(), m.format(s), then})
		if off := bracket.off(s.median); math.Abs(off) > tolerance {
			warnings = append(warnings, fmt.Sprintf(
				"warning: %s, %s: %.0f %% %s %s, which it was when the targets were set",
				f.label(), f.what(), 100*math.Abs(off), direction(off), then))
		}
	}
	fmt.Fprintln(b)
	writeAligned(b, lines)
	for _, warning := range warnings {
		fmt.Fprintln(b, warning)
	}
}

func direction(off float64) string {
	if off > 0 {
		return "above"
	}
	return "below"
}
