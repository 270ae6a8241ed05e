package posixshm

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// maxNear is how many similar names an error lists.
const maxNear = 5

// notFound is the error for a name that leads to no segment. It lists similar names, because a
// typing error is the usual reason.
func (b *Backend) notFound(name string) error {
	near := b.similar(name)
	if len(near) == 0 {
		return fmt.Errorf("open buffer %q: %w in %s; start its reader first",
			name, driver.ErrNotFound, b.shmDir)
	}
	return fmt.Errorf("open buffer %q: %w in %s, but there is %s",
		name, driver.ErrNotFound, b.shmDir, strings.Join(near, ", "))
}

// similar returns the quoted names of buffers that look like name, the most similar first.
func (b *Backend) similar(name string) []string {
	entries, err := os.ReadDir(b.shmDir)
	if err != nil {
		return nil
	}
	distance := map[string]int{}
	for _, e := range entries {
		n := e.Name()
		if d, ok := resembles(name, n); ok && e.Type().IsRegular() && b.isBuffer(n) {
			distance[n] = d
		}
	}
	names := make([]string, 0, len(distance))
	for n := range distance {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		di, dj := distance[names[i]], distance[names[j]]
		return di < dj || di == dj && names[i] < names[j]
	})
	names = names[:min(len(names), maxNear)]
	for i, n := range names {
		names[i] = fmt.Sprintf("%q", n)
	}
	return names
}

// isBuffer tells whether the file is the segment of a buffer. It has semaphores then; only a
// segment without them is opened, because that disturbs a lease.
func (b *Backend) isBuffer(name string) bool {
	for _, paths := range b.semPaths(name) {
		if _, st, err := lookup(paths[0]); err == nil && isSemaphore(st) {
			return true
		}
	}
	fd, err := open(b.segmentPath(name), unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	return readHeader(fd).ready
}

// resembles tells whether two names differ in case only, by a few letters, or by what one has
// before or behind the other, and how much they differ.
func resembles(a, b string) (distance int, ok bool) {
	if strings.HasPrefix(b, "sem.") || a == b {
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
