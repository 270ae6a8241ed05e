//go:build amd64 && !race

package release

import (
	"sync/atomic"
	"unsafe"
)

// Store is a plain store: amd64 keeps stores in their order and behind earlier loads, and the
// compiler keeps the order of accesses to memory. 8 bytes that are aligned are written at once.
func Store(p *atomic.Uint64, v uint64) { *(*uint64)(unsafe.Pointer(p)) = v }
