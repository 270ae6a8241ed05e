package report

import (
	"cmp"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// percentiles are the marks of a line in a plot of latencies.
var percentiles = []struct {
	metric string
	shape  draw.GlyphDrawer
}{
	{"p50", draw.CircleGlyph{}},
	{"p99", draw.TriangleGlyph{}},
	{"p99.9", draw.CrossGlyph{}},
}

// lane is a line of the plot: a label, and a time for each percentile that was measured.
type lane struct {
	label string
	color color.Color
	times map[string]float64
}

// lanes takes the rows that have percentiles, the fastest first.
func lanes(rows []row, label func(*Figure) string) []lane {
	var all []lane
	for _, w := range rows {
		l := lane{label(w.first), familyOf(w.first.Transport).colors[0], map[string]float64{}}
		for _, p := range percentiles {
			if rounds := w.rounds[p.metric]; rounds != nil {
				// A logarithm has no 0; below a nanosecond nothing was measured.
				l.times[p.metric] = max(spreadOf(rounds).median, 1)
			}
		}
		if len(l.times) > 0 {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b lane) int {
		return cmp.Compare(a.times["p50"], b.times["p50"])
	})
	return all
}

// plotLatency draws a lane for each transport, from the first percentile to the last.
func plotLatency(name, title string, lanes []lane) error {
	p := newPlot(title)
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = logTicks(metrics["p50"].tick)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)
	labels := make([]string, len(lanes))
	for i, l := range lanes {
		y := len(lanes) - 1 - i // the first one on top
		labels[y] = l.label
		if err := l.draw(p, float64(y)); err != nil {
			return fmt.Errorf("draw %s: %w", l.label, err)
		}
	}
	p.NominalY(labels...)
	p.Y.Min, p.Y.Max = -0.7, float64(len(lanes))-0.3
	p.X.Min, p.X.Max = p.X.Min*0.8, p.X.Max*1.25
	explainLatency(p)
	return save(p, name, vg.Length(75+17*max(len(lanes), 5)))
}

// draw adds the lane's line and marks.
func (l lane) draw(p *plot.Plot, y float64) error {
	var line plotter.XYs
	for _, q := range percentiles {
		x, ok := l.times[q.metric]
		if !ok {
			continue
		}
		at := plotter.XY{X: x, Y: y}
		line = append(line, at)
		mark, err := plotter.NewScatter(plotter.XYs{at})
		if err != nil {
			return err
		}
		mark.GlyphStyle = draw.GlyphStyle{Color: l.color, Radius: 3.5, Shape: q.shape}
		p.Add(mark)
	}
	stroke, err := plotter.NewLine(line)
	if err != nil {
		return err
	}
	stroke.LineStyle = draw.LineStyle{Color: l.color, Width: 1}
	p.Add(stroke)
	return nil
}

// explainLatency says in the legend what marks and colours mean.
func explainLatency(p *plot.Plot) {
	for _, q := range percentiles {
		p.Legend.Add(q.metric, &plotter.Scatter{
			GlyphStyle: draw.GlyphStyle{Color: black, Radius: 3.5, Shape: q.shape},
		})
	}
	for _, f := range families {
		p.Legend.Add(f.name, &plotter.Line{
			LineStyle: draw.LineStyle{Color: f.colors[0], Width: 3},
		})
	}
}
