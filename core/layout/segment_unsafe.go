package layout

import (
	"fmt"
	"unsafe"
)

// View returns the OIEB at the start of mem. mem must hold at least [OIEBSize] bytes and start at
// an address that is a multiple of 8, as every mapping does. The view lives as long as mem is
// mapped.
func View(mem []byte) (*OIEB, error) {
	if len(mem) < OIEBSize {
		return nil, fmt.Errorf("segment of %d bytes: %w", len(mem), ErrNotReady)
	}
	p := unsafe.Pointer(unsafe.SliceData(mem))
	if uintptr(p)%8 != 0 {
		return nil, fmt.Errorf("segment at %p is not aligned to 8 bytes: %w", p, ErrIncompatible)
	}
	return (*OIEB)(p), nil
}
