package report

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// WriteBenchfmt writes the report in the format of Go's benchmarks, which benchstat reads: a line
// for each round of each measurement.
//
// The versions are not among the lines about the configuration: benchstat compares only what has
// the same configuration, and the version is what one wants to compare.
func WriteBenchfmt(w io.Writer, r *Report) error {
	if err := r.check(); err != nil {
		return err
	}
	out := benchfmt.NewWriter(w)
	rows := r.rows()
	for _, unit := range units(rows) {
		if err := out.Write(unit); err != nil {
			return err
		}
	}
	config := r.config()
	for _, row := range rows {
		for _, line := range row.lines() {
			line.Config = config
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// config is what two runs must share to be comparable.
func (r *Report) config() []benchfmt.Config {
	m := r.Machine
	pairs := [][2]string{
		{"goos", runtime.GOOS},
		{"goarch", runtime.GOARCH},
		{"cpu", m.CPU},
		{"cpus", strconv.Itoa(m.CPUs)},
		{"kernel", m.Kernel},
		{"go", m.Go},
		{"pinned", strconv.FormatBool(r.Settings.Pinned)},
	}
	var config []benchfmt.Config
	for _, p := range pairs {
		config = append(config, benchfmt.Config{Key: p[0], Value: []byte(p[1]), File: true})
	}
	return config
}

// units says of each unit in which direction it gets better.
func units(rows []row) []*benchfmt.UnitMetadata {
	used := map[string]bool{}
	for _, w := range rows {
		for name := range w.rounds {
			used[name] = true
		}
	}
	var units []*benchfmt.UnitMetadata
	for _, name := range slices.Sorted(maps.Keys(used)) {
		better := "lower"
		if higherIsBetter(name) {
			better = "higher"
		}
		unit := metrics[name].unit
		units = append(units, &benchfmt.UnitMetadata{
			UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: unit, Key: "better"},
			OrigUnit:        unit,
			Value:           better,
		})
	}
	return units
}

// lines returns a line for each round.
func (w row) lines() []*benchfmt.Result {
	var lines []*benchfmt.Result
	for _, name := range metricOrder {
		m := metrics[name]
		for i, v := range w.rounds[name] {
			if i == len(lines) {
				lines = append(lines, &benchfmt.Result{Name: benchfmt.Name(w.name()), Iters: 1})
			}
			lines[i].Values = append(lines[i].Values,
				benchfmt.Value{Value: v * m.factor, Unit: m.unit})
		}
	}
	return lines
}

// name is like OneWay/transport=posix/frame=64B/batch=32.
func (w row) name() string {
	f := w.first
	var b strings.Builder
	for word := range strings.FieldsSeq(f.Measure) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	part := func(key, value string) { fmt.Fprintf(&b, "/%s=%s", key, value) }
	// A space would end the name.
	part("transport", strings.ReplaceAll(f.Transport, " ", "-"))
	part("frame", unspaced(int64(f.Size)))
	if f.Batch > 1 {
		part("batch", strconv.Itoa(f.Batch))
	}
	if f.Ring > 0 {
		part("ring", unspaced(f.Ring))
	}
	if f.Rate > 0 {
		part("rate", strconv.Itoa(f.Rate))
	}
	if f.ZeroCopy {
		part("zerocopy", "yes")
	}
	return b.String()
}

// unspaced is a size as it stands in names of benchmarks: 64KiB, 3110400B.
func unspaced(n int64) string {
	return strings.NewReplacer(" ", "", ",", "").Replace(sizeName(n))
}
