package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// measureOrder is the order of tables; a measure that is not listed comes last.
var measureOrder = []string{
	"round trip", "one way", "reserve", "paced", "loaded", "one cpu", "idle",
}

// row is what was measured about one transport in one way: figures that differ in their metric.
type row struct {
	first  *Figure              // says which measurement it is
	rounds map[string][]float64 // by metric
}

// group is what stands in one table: rows with the same measure, rate and size.
type group struct{ rows []row }

// title says what all rows of the group have in common.
func (g group) title() string {
	f := g.rows[0].first
	title := f.Measure
	if f.Rate > 0 {
		title += fmt.Sprintf(" %d frames/s", f.Rate)
	}
	if f.Size > 0 {
		title += ", " + sizeName(int64(f.Size))
	}
	return title
}

// label tells the figures of one group apart.
func (f *Figure) label() string {
	label := f.Transport
	if f.Batch > 1 {
		label += fmt.Sprintf(", batch %d", f.Batch)
	}
	if f.Ring > 0 {
		label += ", ring " + sizeName(f.Ring)
	}
	if f.ZeroCopy {
		label += ", zero-copy"
	}
	return label
}

// sizeName writes a size in the unit of which it is a whole number: 64 B, 256 MiB, 3,110,400 B.
func sizeName(n int64) string {
	unit := 0
	for n != 0 && n%1024 == 0 && unit < 3 {
		n /= 1024
		unit++
	}
	return measure.Count(n) + []string{" B", " KiB", " MiB", " GiB"}[unit]
}

// setting is a figure without its metric and values, so that equal settings are one measurement.
func (f *Figure) setting() string {
	return fmt.Sprint(f.Measure, "/", f.Rate, "/", f.Size, "/", f.label())
}

// rows puts the figures of one measurement together, in the order of the report.
func (r *Report) rows() []row {
	var rows []row
	at := map[string]int{}
	for i := range r.Figures {
		f := &r.Figures[i]
		n, ok := at[f.setting()]
		if !ok || rows[n].rounds[f.Metric] != nil { // the same transport twice stays two rows
			n = len(rows)
			at[f.setting()] = n
			rows = append(rows, row{f, map[string][]float64{}})
		}
		rows[n].rounds[f.Metric] = f.Rounds
	}
	return rows
}

// groups sorts the rows into tables: by measure, size and rate, and within one as in the report.
func (r *Report) groups() []group {
	rows := r.rows()
	slices.SortStableFunc(rows, compareGroups)
	var groups []group
	for i, w := range rows {
		if i == 0 || compareGroups(rows[i-1], w) != 0 {
			groups = append(groups, group{})
		}
		last := &groups[len(groups)-1]
		last.rows = append(last.rows, w)
	}
	return groups
}

// compareGroups is 0 for rows of the same table.
func compareGroups(a, b row) int {
	return cmp.Or(
		cmp.Compare(rank(a.first.Measure), rank(b.first.Measure)),
		cmp.Compare(a.first.Measure, b.first.Measure),
		cmp.Compare(a.first.Size, b.first.Size),
		cmp.Compare(a.first.Rate, b.first.Rate),
	)
}

func rank(measure string) int {
	if i := slices.Index(measureOrder, measure); i >= 0 {
		return i
	}
	return len(measureOrder)
}

// metrics lists the metrics that any row of the group has, in the order of columns.
func (g group) metrics() []string {
	return slices.DeleteFunc(slices.Clone(metricOrder), func(m string) bool {
		return !slices.ContainsFunc(g.rows, func(w row) bool { return w.rounds[m] != nil })
	})
}
