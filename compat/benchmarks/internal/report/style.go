package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	plotWidth   = 660
	legendWidth = 165
	fontSize    = 10
)

var (
	black = color.Gray{Y: 0x20}
	faint = color.Gray{Y: 0xdd}
)

// family is whose a transport is; it gives the colours.
type family struct {
	name   string
	colors []color.Color // the first one stands for the family
}

// Dark enough for a white page, and told apart by people who do not tell red from green.
var (
	ours = family{"ZeroBuffer for Go", []color.Color{
		rgb(0x0b5fa5), rgb(0x00a0c6), rgb(0x5b4fc4), rgb(0x1f8a70), rgb(0x0a2f6b), rgb(0x7fa8e0),
	}}
	limits = family{"limit of the machine", []color.Color{
		rgb(0x6b6b6b), rgb(0x9a9a9a), rgb(0x404040),
	}}
	others = family{"others", []color.Color{
		rgb(0xc8501e), rgb(0xe39a12), rgb(0x9c2f5f), rgb(0xb5651d), rgb(0xd9534f), rgb(0x7a4a12),
		rgb(0xe07bb0), rgb(0x8a7500), rgb(0x5e1914),
	}}
	families = []*family{&ours, &limits, &others}
)

func rgb(v uint32) color.Color {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// familyOf goes by the first word of a transport.
func familyOf(transport string) *family {
	first, _, _ := strings.Cut(transport, " ")
	switch first {
	case "posix", "memfd":
		return &ours
	case "bare", "futex", "memcpy":
		return &limits
	default:
		return &others
	}
}

// newPlot returns an empty plot in our style.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = 6
	p.X.Padding, p.Y.Padding = 4, 4
	for _, f := range []*font.Font{
		&p.Title.TextStyle.Font, &p.Legend.TextStyle.Font,
		&p.X.Label.TextStyle.Font, &p.X.Tick.Label.Font,
		&p.Y.Label.TextStyle.Font, &p.Y.Tick.Label.Font,
	} {
		f.Variant, f.Size = "Sans", fontSize
	}
	p.Title.TextStyle.Font.Size = fontSize + 2
	p.Legend.Left, p.Legend.Top = true, true
	p.Legend.YPosition = draw.PosCenter
	p.Legend.Padding = 3
	return p
}

// save draws the plot with its legend beside it, where it covers nothing.
func save(p *plot.Plot, name string, height vg.Length) error {
	canvas := vgsvg.New(plotWidth, height)
	all := draw.New(canvas)
	all.SetColor(color.White)
	all.Fill(all.Path()) // also below the legend: a dark page would swallow its text
	legend := p.Legend
	p.Legend = plot.NewLegend()
	p.Draw(draw.Crop(all, 4, -legendWidth, 4, -4))
	legend.Draw(draw.Crop(all, plotWidth-legendWidth+8, 0, 0, -30))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return fmt.Errorf("draw %s: %w", filepath.Base(name), err)
	}
	// A reader without the font that was measured gets one of the same widths.
	text := bytes.ReplaceAll(svg.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	return nil
}

// logTicks marks decades, and their double and five-fold while there are few of them.
func logTicks(label func(float64) string) plot.TickerFunc {
	return func(least, most float64) []plot.Tick {
		from, to := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
		few := math.Log10(most/least) < 2
		var ticks []plot.Tick
		for e := from; e <= to; e++ {
			for n := 1; n <= 9; n++ {
				v := float64(n) * math.Pow(10, e)
				if v < least || v > most {
					continue
				}
				tick := plot.Tick{Value: v}
				if n == 1 || few && (n == 2 || n == 5) {
					tick.Label = label(v)
				}
				ticks = append(ticks, tick)
			}
		}
		return ticks
	}
}
