package driver

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

const (
	// maxSimilar is how many names [Similar] returns at most.
	maxSimilar = 5
	// maxCompared is how many names are looked at, and maxAsked how many are asked about. Everybody
	// can fill a directory, and whoever waits for a buffer looks into it again and again.
	maxCompared, maxAsked = 1000, 20
)

// ListSome returns entries of a directory for [Similar]: not all if there are very many, and none
// after an error.
func ListSome(dir string) []fs.DirEntry {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	entries, _ := f.ReadDir(maxCompared) // an error leaves those before it
	return entries
}

// Similar returns, quoted, those of names that look like name, the most similar first: a typing
// error is the usual reason why a buffer is not found. Only names for which isBuffer is true
// count; it is asked about few of them.
func Similar(name string, names []string, isBuffer func(name string) bool) []string {
	distance := map[string]int{}
	var near []string
	for _, n := range names[:min(len(names), maxCompared)] {
		if d, ok := resembles(name, n); ok {
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
	var found []string
	for _, n := range near[:min(len(near), maxAsked)] {
		if len(found) < maxSimilar && isBuffer(n) {
			found = append(found, fmt.Sprintf("%q", n))
		}
	}
	return found
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
