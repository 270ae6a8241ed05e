package report

import (
	"fmt"
	"maps"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// curve is the medians of one transport by size.
type curve struct {
	first  *Figure
	points map[int]float64
}

// curves takes one metric out of the rows, a curve for each label, in the order of families.
func curves(rows []row, metric string) []curve {
	var all []curve
	at := map[string]int{}
	for _, w := range rows {
		rounds := w.rounds[metric]
		if rounds == nil || w.first.Size == 0 || spreadOf(rounds).median == 0 {
			continue // a logarithm has no 0
		}
		n, ok := at[w.first.label()]
		if !ok {
			n = len(all)
			at[w.first.label()] = n
			all = append(all, curve{w.first, map[int]float64{}})
		}
		all[n].points[w.first.Size] = spreadOf(rounds).median
	}
	slices.SortStableFunc(all, func(a, b curve) int {
		return slices.Index(families, familyOf(a.first.Transport)) -
			slices.Index(families, familyOf(b.first.Transport))
	})
	return all
}

// plotBySize draws a curve for each transport, both axes logarithmic.
func plotBySize(name, title, metric string, curves []curve) error {
	p := newPlot(title)
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker = plot.ConstantTicks(sizeTicks(curves))
	p.Y.Tick.Marker = logTicks(metrics[metric].tick)
	p.X.Label.Text, p.Y.Label.Text = "bytes a frame", metric
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)
	if err := addCurves(p, curves); err != nil {
		return err
	}
	p.X.Min, p.X.Max = p.X.Min/1.5, p.X.Max*1.5
	p.Y.Min, p.Y.Max = p.Y.Min/1.5, p.Y.Max*1.5
	return save(p, name, max(360, vg.Length(60+17*len(curves))))
}

// shapes tell curves apart also without colour.
var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{},
	draw.BoxGlyph{},
	draw.TriangleGlyph{},
	draw.PlusGlyph{},
	draw.RingGlyph{},
	draw.SquareGlyph{},
	draw.PyramidGlyph{},
	draw.CrossGlyph{},
}

// addCurves draws the last one first, so that ours lie on top of others.
func addCurves(p *plot.Plot, curves []curve) error {
	nth := map[*family]int{}
	var drawn []plot.Plotter
	for _, c := range curves {
		f := familyOf(c.first.Transport)
		line, marks, err := c.draw(f, nth[f])
		if err != nil {
			return fmt.Errorf("draw %s: %w", c.first.label(), err)
		}
		nth[f]++
		p.Legend.Add(c.first.label(), line, marks)
		drawn = append(drawn, marks, line)
	}
	slices.Reverse(drawn)
	p.Add(drawn...)
	return nil
}

// draw returns what shows the curve, which is the nth one of its family.
func (c curve) draw(f *family, nth int) (*plotter.Line, *plotter.Scatter, error) {
	var points plotter.XYs
	for _, size := range slices.Sorted(maps.Keys(c.points)) {
		points = append(points, plotter.XY{X: float64(size), Y: c.points[size]})
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return nil, nil, err
	}
	color := f.colors[nth%len(f.colors)]
	line.LineStyle = draw.LineStyle{Color: color, Width: 1}
	switch f {
	case &ours:
		line.Width = 2
	case &limits:
		line.Dashes = []vg.Length{5, 3}
	}
	marks.GlyphStyle = draw.GlyphStyle{Color: color, Radius: 3, Shape: shapes[nth%len(shapes)]}
	return line, marks, nil
}

// sizeTicks marks the sizes that were measured.
func sizeTicks(curves []curve) []plot.Tick {
	sizes := map[int]bool{}
	for _, c := range curves {
		for size := range c.points {
			sizes[size] = true
		}
	}
	var ticks []plot.Tick
	for _, size := range slices.Sorted(maps.Keys(sizes)) {
		ticks = append(ticks, plot.Tick{Value: float64(size), Label: sizeName(int64(size))})
	}
	return ticks
}
