package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteTable prints the report for people: where it was made, and a table for each measure, rate
// and size. Each number is the median of the rounds, with the least and the most of them.
func WriteTable(w io.Writer, r *Report) error {
	if err := r.check(); err != nil {
		return err
	}
	var b strings.Builder
	r.writeHead(&b)
	zeroCopy := false
	for _, g := range r.groups() {
		g.write(&b)
		for _, row := range g.rows {
			zeroCopy = zeroCopy || row.first.ZeroCopy
		}
	}
	if zeroCopy {
		fmt.Fprint(&b, "\nzero-copy: not every byte was written and read\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeHead prints the machine and the settings.
func (r *Report) writeHead(b *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(b, "%s, %d processors, %s, %s\n", m.CPU, m.CPUs, m.Kernel, m.Go)
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		versions = append(versions, name+" "+m.Versions[name])
	}
	if len(versions) > 0 {
		fmt.Fprintln(b, strings.Join(versions, ", "))
	}
	fmt.Fprintf(b, "%s a measurement, in %d rounds, %s\n", r.Settings.Duration, r.Settings.Rounds,
		r.pinning())
	fmt.Fprintln(b, "numbers: median of the rounds (least..most)")
}

// pinning says whether the scheduler could move the processes.
func (r *Report) pinning() string {
	if r.Settings.Pinned {
		return "each process pinned to a processor of its own"
	}
	return "processes not pinned"
}

// write prints one table. A transport without a metric that others have leaves its place empty.
func (g group) write(b *strings.Builder) {
	names := g.metrics()
	lines := [][]string{append([]string{g.title()}, names...)}
	for _, w := range g.rows {
		cells := []string{w.first.label()}
		for _, name := range names {
			cell := ""
			if rounds := w.rounds[name]; rounds != nil {
				cell = metrics[name].format(spreadOf(rounds))
			}
			cells = append(cells, cell)
		}
		lines = append(lines, cells)
	}
	fmt.Fprintln(b)
	writeAligned(b, lines)
}
