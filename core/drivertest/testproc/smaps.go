package testproc

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Mapping is what the kernel tells about one mapping of this process.
type Mapping struct {
	// Start and End are its addresses.
	Start, End uintptr
	// Rss, Locked and HugePages are in bytes: what is in the page table, what is locked, and what
	// is there as huge pages of shared memory.
	Rss, Locked, HugePages uint64
	// Flags are the two-letter words of VmFlags: "hg" for huge pages, "lo" for locked.
	Flags []string
}

// MappingAt reads /proc/self/smaps of Linux. The test fails if nothing is mapped at addr.
func MappingAt(t testing.TB, addr uintptr) Mapping {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var m Mapping
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var start, end uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &start, &end); n == 2 {
			if m.End != 0 {
				break
			}
			if start <= addr && addr < end {
				m.Start, m.End = start, end
			}
			continue
		}
		if m.End != 0 {
			m.add(strings.Fields(lines.Text()))
		}
	}
	if m.End == 0 {
		t.Fatalf("nothing is mapped at %#x", addr)
	}
	return m
}

// add notes a line of smaps.
func (m *Mapping) add(fields []string) {
	switch word := fields[0]; word {
	case "Rss:", "Locked:", "ShmemPmdMapped:":
		n, _ := strconv.ParseUint(fields[1], 10, 64)
		*map[string]*uint64{
			"Rss:": &m.Rss, "Locked:": &m.Locked, "ShmemPmdMapped:": &m.HugePages,
		}[word] = n << 10
	case "VmFlags:":
		m.Flags = fields[1:]
	}
}
