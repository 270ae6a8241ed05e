package winshm

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/windows"
)

// view returns the memory of a mapped view.
func view(addr uintptr, size uint64) []byte {
	// The address is none of Go's memory: it must not be written as a conversion of uintptr.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size)
}

// addressOf is where a view begins, as UnmapViewOfFile wants it.
func addressOf(mem []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) }

// wordAt is the counter at an offset of a view that is a multiple of 4.
func wordAt(mem []byte, offset int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&mem[offset]))
}

// committed tells how many bytes from addr on can be used, without a gap.
func committed(addr uintptr) (uint64, error) {
	var info windows.MemoryBasicInformation
	if err := windows.VirtualQuery(addr, &info, unsafe.Sizeof(info)); err != nil {
		return 0, err
	}
	if info.State != windows.MEM_COMMIT {
		return 0, nil
	}
	return uint64(info.RegionSize), nil
}

// semaphoreInfo is SEMAPHORE_BASIC_INFORMATION.
type semaphoreInfo struct {
	current uint32
	maximum uint32
}

// queryTokens is the value of a semaphore.
func queryTokens(h windows.Handle) (uint32, error) {
	var info semaphoreInfo
	status := ntQuerySemaphore(h, 0, &info, uint32(unsafe.Sizeof(info)), nil)
	if status != 0 {
		return 0, windows.NTStatus(status)
	}
	return info.current, nil
}

// memoryStatus is MEMORYSTATUSEX.
type memoryStatus struct {
	length        uint32
	load          uint32
	totalPhysical uint64
	freePhysical  uint64
	commitLimit   uint64
	commitFree    uint64
	totalVirtual  uint64
	freeVirtual   uint64
	_             uint64
}

// queryMemory asks the system how much memory it can still promise.
func queryMemory() (memoryStatus, error) {
	var m memoryStatus
	m.length = uint32(unsafe.Sizeof(m))
	err := globalMemoryStatusEx(&m)
	return m, err
}

// securityAttributes gives an object the descriptor; handles are not inherited by children.
func securityAttributes(sd *windows.SECURITY_DESCRIPTOR) *windows.SecurityAttributes {
	sa := &windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	return sa
}
