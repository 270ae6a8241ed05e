package report

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WritePlots draws what the report has of the following, as SVG in dir, and returns the names of
// the files: the round trip and the latency of paced frames, for each size, and what goes one way,
// by size. The same report gives the same files.
func WritePlots(dir string, r *Report) ([]string, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("place the plots: %w", err)
	}
	drawn := plots{dir: dir}
	var flows []row
	paced := map[int][]lane{}
	for _, g := range r.groups() {
		switch size := g.rows[0].first.Size; g.rows[0].first.Measure {
		case roundTrip:
			drawn.latency(roundTrip, size, lanes(g.rows, (*Figure).label))
		case oneWay:
			flows = append(flows, g.rows...)
		case "paced":
			paced[size] = append(paced[size], lanes(g.rows, (*Figure).pacedLabel)...)
		}
	}
	drawn.bySize("one-way-frames", framesSecond, flows)
	drawn.bySize("one-way-bytes", gigabytes, flows)
	for _, size := range slices.Sorted(maps.Keys(paced)) {
		drawn.latency("paced", size, paced[size])
	}
	return drawn.names, drawn.err
}

// plots remembers the files that were made, and the first error.
type plots struct {
	dir   string
	names []string
	err   error
}

func (d *plots) add(name string, draw func(path string) error) {
	if d.err != nil {
		return
	}
	path := filepath.Join(d.dir, name+".svg")
	if d.err = draw(path); d.err == nil {
		d.names = append(d.names, path)
	}
}

func (d *plots) latency(what string, size int, lanes []lane) {
	if len(lanes) == 0 {
		return
	}
	name := strings.ReplaceAll(what, " ", "-") + "-" + unspaced(int64(size))
	d.add(name, func(path string) error {
		return plotLatency(path, what+", "+sizeName(int64(size)), lanes)
	})
}

func (d *plots) bySize(name, metric string, rows []row) {
	curves := curves(rows, metric)
	if len(curves) == 0 {
		return
	}
	d.add(name, func(path string) error {
		return plotBySize(path, "one way, "+metric, metric, curves)
	})
}

// pacedLabel tells figures of different rates apart too.
func (f *Figure) pacedLabel() string {
	return fmt.Sprintf("%s, %d/s", f.label(), f.Rate)
}
