package winshm

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

const (
	countsSize = 4096
	// countStride keeps the two counters on cache lines of their own.
	countStride = 64
)

// counts is the section of one page in which programs of ours count who waits on the semaphores
// of a buffer. It vanishes with its last handle.
type counts struct {
	section windows.Handle
	mem     []byte // mapped if section was there, else our own
	mapped  bool
}

// openCounts opens the counters, or makes them.
func openCounts(name string, sa *windows.SecurityAttributes) (*counts, error) {
	h, err := windows.CreateFileMapping(windows.InvalidHandle, sa, windows.PAGE_READWRITE, 0,
		countsSize, utf16Name(name))
	if h == 0 {
		return nil, openError("create", "section", name, err)
	}
	mem, err := mapView(h, readWrite, countsSize)
	if err != nil {
		_ = windows.CloseHandle(h)
		return nil, fmt.Errorf("map section %s: %w", name, err)
	}
	return &counts{section: h, mem: mem, mapped: true}, nil
}

// privateCounts are seen by nobody else.
func privateCounts() *counts { return &counts{mem: make([]byte, countsSize)} }

// of is the counter of semaphore i.
func (c *counts) of(i int) *atomic.Uint32 { return wordAt(c.mem, i*countStride) }

// letGo gives up the name. The counters can still be used.
func (c *counts) letGo() {
	if c.section != 0 {
		_ = windows.CloseHandle(c.section)
		c.section = 0
	}
}

func (c *counts) close() {
	c.letGo()
	if c.mapped {
		_ = unmapView(c.mem)
	}
	c.mem, c.mapped = nil, false
}
