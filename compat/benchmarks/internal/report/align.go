package report

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// writeAligned prints lines of cells below each other. All lines have as many cells, also empty
// ones: a cell that is missing would end its column.
func writeAligned(b *strings.Builder, lines [][]string) {
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	for _, cells := range lines {
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	_ = t.Flush() // a builder takes everything
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(b, strings.TrimRight(line, " \n"))
	}
}
