package driver

import "unsafe"

// Within tells whether addr is the address of a byte of mem.
func Within(mem []byte, addr uintptr) bool {
	return addr-uintptr(unsafe.Pointer(unsafe.SliceData(mem))) < uintptr(len(mem))
}
