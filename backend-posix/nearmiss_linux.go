package posixshm

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

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
	var names []string
	for _, e := range driver.ListSome(b.shmDir) {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), "sem.") {
			names = append(names, e.Name())
		}
	}
	return driver.Similar(name, names, b.isBuffer)
}

// isBuffer tells whether the file is the segment of a buffer. It has semaphores then; only a
// segment without them is opened, because that disturbs a lease.
func (b *Backend) isBuffer(name string) bool {
	for _, paths := range b.semPaths(name) {
		if _, st, err := lookup(paths[0]); err == nil && isSemaphore(st) {
			return true
		}
	}
	fd, err := openNow(unix.AT_FDCWD, b.segmentPath(name), unix.O_RDONLY)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	return readHeader(fd).ready
}
