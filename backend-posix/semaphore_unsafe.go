//go:build linux

package posixshm

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of futex(2). Without FUTEX_PRIVATE_FLAG: the word is shared between processes.
const (
	futexWaitOp = 0
	futexWakeOp = 1
)

// wordAt returns the word of the semaphore that is mapped at mem, which holds semSize bytes and,
// like every mapping, starts at a page boundary.
func wordAt(mem []byte) *atomic.Uint64 {
	_ = mem[semSize-1]
	return (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(mem)))
}

// futexWait blocks while the low half of word is 0, until a wake, a signal or the end of timeout;
// below 0 there is no end. It tells nothing: the caller looks at the word. The low half is the
// first four bytes, because targets are little-endian. The ordinary Syscall6 lets the scheduler
// give the processor to other goroutines.
func futexWait(word *atomic.Uint64, timeout time.Duration) {
	var limit unix.Timespec
	var p unsafe.Pointer
	if timeout >= 0 {
		limit = unix.NsecToTimespec(int64(timeout))
		p = unsafe.Pointer(&limit)
	}
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitOp, 0,
		uintptr(p), 0, 0)
}

// futexWake wakes up to n waiters of the low half of word. It never blocks, so it spares the
// scheduler's bookkeeping of a blocking call.
func futexWake(word *atomic.Uint64, n uint32) {
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWakeOp,
		uintptr(n), 0, 0, 0)
}
