package memory

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Advice that package syscall does not have; the numbers are the same on every processor.
const (
	adviseHugePage      = 14
	advisePopulateWrite = 23 // Linux 5.14
	adviseCollapse      = 25 // Linux 6.1
)

const thpDir = "/sys/kernel/mm/transparent_hugepage/"

// Tune does what o asks for a mapping that [Map] has made. It changes no byte of it, and no file.
func Tune(mem []byte, o driver.MemoryOptions) driver.MemoryStatus {
	m := mapping{mem, syscall.Madvise}
	return driver.MemorySteps{
		HugePages: m.hugePages, Prefault: m.prefault, Lock: m.lock,
	}.Tune(o)
}

// TuneHuge is [Tune] for the mapping of a file that consists of huge pages.
func TuneHuge(mem []byte, o driver.MemoryOptions) driver.MemoryStatus {
	m := mapping{mem, syscall.Madvise}
	return driver.MemorySteps{
		HugePages: func() *driver.MemoryError { return nil }, Prefault: m.prefault, Lock: m.lock,
	}.Tune(o)
}

// mapping is a mapping and how to advise the kernel about it; tests play an older kernel.
type mapping struct {
	mem    []byte
	advise func(mem []byte, advice int) error
}

// hugePages asks for huge pages from now on and has the small ones that are there replaced, at
// once: fallocate makes small ones. The kernel copies them, and whoever else uses them meanwhile
// waits for a moment. What the system's files say about huge pages does not matter to that, unless
// they deny all.
func (m mapping) hugePages() *driver.MemoryError {
	size := transparentSize()
	if size == 0 {
		return &driver.MemoryError{
			Err:  fmt.Errorf("transparent huge pages: %w by this kernel", errors.ErrUnsupported),
			Hint: "run a kernel that has " + thpDir,
		}
	}
	whole := inside(m.mem, size)
	if len(whole) == 0 {
		return &driver.MemoryError{
			Err:  fmt.Errorf("no huge page of %d KiB fits into %d bytes", size>>10, len(m.mem)),
			Hint: "choose a larger PayloadSize",
		}
	}
	err := m.advise(m.mem, adviseHugePage)
	if err == nil {
		err = os.NewSyscallError("madvise(MADV_COLLAPSE)", m.collapse(whole))
	}
	if err == nil {
		return nil
	}
	return &driver.MemoryError{Err: err, Hint: hugeHint(err)}
}

// collapse replaces small pages. Some may be in use just then by the kernel or a peer.
func (m mapping) collapse(whole []byte) (err error) {
	for range 5 {
		err = retry(func() error { return m.advise(whole, adviseCollapse) })
		if !errors.Is(err, syscall.EAGAIN) {
			break
		}
	}
	return err
}

// hugeHint says what helps against an error of collapse.
func hugeHint(err error) string {
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return "a part of the pages was in use and stayed small"
	case errors.Is(err, syscall.ENOMEM):
		return "free memory is in too small pieces: try sysctl vm.compact_memory=1"
	case errors.Is(err, syscall.EBUSY):
		return "the memory of the control group is used up: raise its limit"
	}
	return "it needs Linux 6.1 or newer, and " + thpDir + "shmem_enabled must not be \"deny\"; " +
		"before Linux 6.1 the kernel may replace pages later, by itself, if that file (for a memfd) " +
		"or the mount option huge of /dev/shm says \"advise\" or \"always\""
}

// prefault has the kernel fill in the page table, writable, which writes nothing. Kernels before
// 5.14 are made to do it page by page.
func (m mapping) prefault() *driver.MemoryError {
	err := retry(func() error { return m.advise(m.mem, advisePopulateWrite) })
	if errors.Is(err, syscall.EINVAL) {
		err = touch(m.mem, os.Getpagesize())
	}
	if err == nil {
		return nil
	}
	return &driver.MemoryError{
		Err: err,
		Hint: "the other side has not reserved all pages, or has truncated the file: look whether " +
			"/dev/shm or the memory of the control group is full",
	}
}

// touch reads a byte of each page; the peer may be at work, so it must not write one. A page that
// cannot be had is an error, not the end of the process.
func touch(mem []byte, page int) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface {
			error
			Addr() uintptr
		}:
			err = fmt.Errorf("read a page: %w", syscall.EFAULT)
		default:
			panic(fault)
		}
	}()
	sum := byte(0)
	for i := 0; i < len(mem); i += page {
		sum |= mem[i] // a plain read: the value is of no interest
	}
	runtime.KeepAlive(sum) // the compiler must not leave the reads out
	return nil
}

// lock keeps the pages in memory. What was locked in part is unlocked again.
func (m mapping) lock() *driver.MemoryError {
	err := retry(func() error { return syscall.Mlock(m.mem) })
	if err == nil {
		return nil
	}
	_ = syscall.Munlock(m.mem)
	limit := "unknown"
	if n, ok := lockLimit(); ok {
		limit = strconv.FormatUint(n, 10) + " bytes"
	}
	return &driver.MemoryError{
		Err: os.NewSyscallError("mlock", err),
		Hint: fmt.Sprintf("RLIMIT_MEMLOCK is %s for all that the process locks, and this needs %d: "+
			"raise it (ulimit -l, LimitMEMLOCK= of systemd, docker run --ulimit memlock=) or give "+
			"the process CAP_IPC_LOCK", limit, len(m.mem)),
	}
}

// lockLimit is how many bytes the process may lock; false if there is no limit or it is not known.
// Its number for getrlimit is not the same on every processor, so the text is read.
func lockLimit() (uint64, bool) {
	text, _ := os.ReadFile("/proc/self/limits")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max locked memory"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, err := strconv.ParseUint(f[0], 10, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}

// transparentSize is the size of a transparent huge page, 0 where there are none.
var transparentSize = sync.OnceValue(func() uint64 {
	text, err := os.ReadFile(thpDir + "hpage_pmd_size")
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil || n&(n-1) != 0 {
		return 0
	}
	return n
})
