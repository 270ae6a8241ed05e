//go:build linux

package memory

import (
	"os"
	"syscall"
	"unsafe"
)

// Map maps the first size bytes of the file of fd, shared, for reading and writing. A mapping that
// has room for a huge page starts at a multiple of its size: the kernel uses a huge page only where
// its place in the file and its address agree. [Unmap] ends it.
func Map(fd int, size uint64) ([]byte, error) {
	if align := transparentSize(); align != 0 && size >= align {
		if addr, err := mapAligned(fd, size, align); err == nil {
			return view(addr, size), nil
		}
	}
	addr, err := mmap(0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED, fd)
	if err != nil {
		return nil, err
	}
	return view(addr, size), nil
}

// Unmap ends a mapping that [Map] has made, as a whole.
func Unmap(mem []byte) error {
	return munmap(uintptr(unsafe.Pointer(unsafe.SliceData(mem))), uint64(len(mem)))
}

// mapAligned maps at a multiple of align: into a larger piece of address space, whose ends it then
// gives back.
func mapAligned(fd int, size, align uint64) (uintptr, error) {
	const reserve = syscall.MAP_PRIVATE | syscall.MAP_ANONYMOUS | syscall.MAP_NORESERVE
	room, err := mmap(0, size+align, syscall.PROT_NONE, reserve, -1)
	if err != nil {
		return 0, err
	}
	start := (room + uintptr(align) - 1) &^ (uintptr(align) - 1)
	_, err = mmap(start, size, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_SHARED|syscall.MAP_FIXED, fd)
	if err != nil {
		_ = munmap(room, size+align)
		return 0, err
	}
	page := uintptr(os.Getpagesize())
	end := (start + uintptr(size) + page - 1) &^ (page - 1)
	// What cannot be given back costs addresses, nothing else.
	if before := start - room; before > 0 {
		_ = munmap(room, uint64(before))
	}
	if stop := room + uintptr(size+align); stop > end {
		_ = munmap(end, uint64(stop-end))
	}
	return start, nil
}

func mmap(addr uintptr, size uint64, prot, flags, fd int) (uintptr, error) {
	got, _, code := syscall.Syscall6(syscall.SYS_MMAP, addr, uintptr(size), uintptr(prot),
		uintptr(flags), uintptr(fd), 0)
	if code != 0 {
		return 0, code
	}
	return got, nil
}

func munmap(addr uintptr, size uint64) error {
	if _, _, code := syscall.Syscall(syscall.SYS_MUNMAP, addr, uintptr(size), 0); code != 0 {
		return code
	}
	return nil
}

func view(addr uintptr, size uint64) []byte {
	// The address is none of Go's memory: it must not be written as a conversion of uintptr.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size)
}

// inside returns the part of mem that consists of whole blocks of size bytes at multiples of it.
func inside(mem []byte, size uint64) []byte {
	addr := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(mem))))
	skip := (size - addr%size) % size
	if uint64(len(mem)) < skip+size {
		return nil
	}
	whole := (uint64(len(mem)) - skip) / size * size
	return mem[skip : skip+whole]
}
