package winshm

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Tune does what is asked for the view of this side. Large pages would have to be asked for when
// the section is made, with a right that few programs have, so there are none.
func (c *channel) Tune(o driver.MemoryOptions) driver.MemoryStatus {
	return driver.MemorySteps{
		HugePages: noHugePages, Prefault: c.prefault, Lock: c.lockMemory,
	}.Tune(o)
}

func noHugePages() *driver.MemoryError {
	return &driver.MemoryError{
		Err:  fmt.Errorf("large pages: %w by this backend", errors.ErrUnsupported),
		Hint: "leave HugePages off on Windows",
	}
}

// prefault reads a byte of each page. All are committed, so none can be missing, and the peer may
// be at work, so nothing is written.
func (c *channel) prefault() *driver.MemoryError {
	page, sum := os.Getpagesize(), byte(0)
	for i := 0; i < len(c.mem); i += page {
		sum |= c.mem[i] // a plain read: the value is of no interest
	}
	runtime.KeepAlive(sum) // the compiler must not leave the reads out
	return nil
}

// lockMemory locks the view, which ends with the view. A process may lock what fits into its
// minimum working set, so that is raised first; it stays raised.
func (c *channel) lockMemory() *driver.MemoryError {
	const spare = 1 << 20 // for what the process has beside the views
	addr, size := addressOf(c.mem), uintptr(len(c.mem))
	err := virtualLock(addr, size)
	if err == nil {
		return nil
	}
	var least, most uintptr
	var flags uint32
	self := windows.CurrentProcess()
	windows.GetProcessWorkingSetSizeEx(self, &least, &most, &flags)
	raised := windows.SetProcessWorkingSetSizeEx(self, least+size+spare, most+size+spare, flags)
	if err = virtualLock(addr, size); err == nil {
		return nil
	}
	return &driver.MemoryError{
		Err: fmt.Errorf("lock %d bytes: %w", size, errors.Join(err, raised)),
		Hint: "the memory must fit into the minimum working set of the process: raise it with " +
			"SetProcessWorkingSetSize, or the limit of the job object",
	}
}
