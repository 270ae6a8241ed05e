package winshm

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// noMemory are the errors by which Windows says that it cannot promise more memory.
var noMemory = []error{
	windows.ERROR_COMMITMENT_LIMIT, windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_OUTOFMEMORY,
	windows.ERROR_NO_SYSTEM_RESOURCES, windows.ERROR_NOT_ENOUGH_QUOTA, windows.ERROR_DISK_FULL,
	windows.ERROR_WORKING_SET_QUOTA, windows.ERROR_PAGEFILE_QUOTA,
}

// checkSpace compares a size with what the machine can still promise. A section is promised as a
// whole when it is made, so it never runs out of memory later; but the system lets its page file
// grow and other programs starve first, so it is asked before.
func checkSpace(size, minimum uint64) error {
	if size < minimum {
		return fmt.Errorf("size %d is less than %d: %w", size, minimum, fs.ErrInvalid)
	}
	m, err := queryMemory()
	if err == nil && m.lacks(size) {
		return noSpace(size, &m)
	}
	return nil
}

// lacks says that a size is more than can be promised. Zero is no figure: Wine gives it to a thread
// that asks while another one fetches the first figures. The section itself will tell then.
func (m *memoryStatus) lacks(size uint64) bool { return m.commitFree != 0 && size > m.commitFree }

// spaceError turns an error that says that memory is missing into one with numbers.
func spaceError(err error, size uint64) error {
	for _, code := range noMemory {
		if errors.Is(err, code) {
			m, _ := queryMemory()
			return fmt.Errorf("%w (%w)", noSpace(size, &m), err)
		}
	}
	return err
}

func noSpace(size uint64, m *memoryStatus) error {
	return &driver.NoSpaceError{
		Need:  size,
		Free:  m.commitFree,
		Where: fmt.Sprintf("the commit limit of %d bytes (memory and page files)", m.commitLimit),
		Hint: "end other programs, let the page file grow, raise the memory limit of the job or " +
			"container, or choose a smaller PayloadSize",
	}
}
