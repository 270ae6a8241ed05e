package spin

import (
	"sync/atomic"
	"unsafe"
)

// PrefetchWriteWord begins to fetch the cache line of w, so as to write to it soon.
func PrefetchWriteWord(w *atomic.Uint64) {
	PrefetchWrite((*[unsafe.Sizeof(*w)]byte)(unsafe.Pointer(w))[:])
}
