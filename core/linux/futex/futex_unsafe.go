//go:build linux

package futex

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Operations of futex(2). Without FUTEX_PRIVATE_FLAG: the word is shared between processes.
const (
	waitOp = 0
	wakeOp = 1
)

// At returns the 64-bit word at the start of mem, which must hold 8 bytes and start at a multiple
// of 8, as every mapping does. The word lives as long as mem is mapped.
func At(mem []byte) *atomic.Uint64 {
	_ = mem[7]
	return (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(mem)))
}

// Block blocks while the low half of word is value, until a wake, a signal or the end of timeout;
// below 0 there is no end. It tells nothing: the caller looks at the word. The low half is the
// first four bytes, because targets are little-endian. The ordinary Syscall6 lets the scheduler
// give the processor to other goroutines.
func Block(word *atomic.Uint64, value uint32, timeout time.Duration) {
	var limit syscall.Timespec
	var p unsafe.Pointer
	if timeout >= 0 {
		limit = syscall.NsecToTimespec(int64(timeout))
		p = unsafe.Pointer(&limit)
	}
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), waitOp,
		uintptr(value), uintptr(p), 0, 0)
}

// Wake wakes up to n waiters of the low half of word. It never blocks, so it spares the
// scheduler's bookkeeping of a blocking call.
func Wake(word *atomic.Uint64, n uint32) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), wakeOp,
		uintptr(n), 0, 0, 0)
}
