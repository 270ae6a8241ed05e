package driver

import (
	"fmt"
	"slices"
	"strings"
)

// maxSimilar is how many names [Similar] returns at most.
const maxSimilar = 5

// Similar returns, quoted, those of names that look like name, the most similar first: a typing
// error is the usual reason why a buffer is not found. Only names for which isBuffer is true
// count; it is asked about few of them.
func Similar(name string, names []string, isBuffer func(name string) bool) []string {
	distance := map[string]int{}
	var near []string
	for _, n := range names {
		if d, ok := resembles(name, n); ok && isBuffer(n) {
			distance[n] = d
			near = append(near, n)
		}
	}
	slices.SortFunc(near, func(a, b string) int {
		if d := distance[a] - distance[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	near = near[:min(len(near), maxSimilar)]
	for i, n := range near {
		near[i] = fmt.Sprintf("%q", n)
	}
	return near
}

// resembles tells whether two names differ in case only, by a few letters, or by what one has
// before or behind the other, and how much they differ.
func resembles(a, b string) (distance int, ok bool) {
	if a == b {
		return 0, false
	}
	if strings.EqualFold(a, b) {
		return 0, true
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	if len(short) >= 3 && strings.Contains(long, short) {
		return len(long) - len(short), true
	}
	d := editDistance(a, b)
	return d, d <= max(1, len(a)/4)
}

// editDistance is the number of bytes to insert, remove or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
