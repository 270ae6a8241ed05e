package winshm

import (
	"errors"
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

// makeCounts makes the counters for a reader. One that is there is a leftover, and not touched.
func makeCounts(name string, sa *windows.SecurityAttributes) (*counts, error) {
	h, err := makeSection(name, countsSize, sa)
	if err != nil {
		return nil, leftover("section", name, err)
	}
	return mapCounts(h, name)
}

// openCounts opens the counters for a writer, or makes them if its reader has not: it is a program
// of another language then.
func openCounts(name string, sa *windows.SecurityAttributes) (*counts, error) {
	h, err := windows.CreateFileMapping(windows.InvalidHandle, sa, windows.PAGE_READWRITE, 0,
		countsSize, utf16Name(name))
	if h == 0 {
		return nil, openError("create", "section", name, err)
	}
	return mapCounts(h, name)
}

// mapCounts takes over the handle. A segment of another program, which may have any name, is longer
// than a page or starts with the head of an OIEB.
func mapCounts(h windows.Handle, name string) (*counts, error) {
	mem, err := mapView(h, readWrite, 0)
	if err == nil && (len(mem) != countsSize || wordAt(mem, 4).Load() != 0) {
		err = errors.Join(errors.New("it is one of another program"), unmapView(mem))
	}
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
