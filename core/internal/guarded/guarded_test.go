//go:build linux || darwin

package guarded

import (
	"runtime/debug"
	"testing"
	"unsafe"
)

// The slice itself must not be what stops an access behind the end.
func TestFaultBehindTheEnd(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, size := range []int{8, 128, 4096, 4104} {
		mem := New(t, size)
		mem[0], mem[size-1] = 1, 1
		next := (*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(mem)), size))
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("an access behind %d bytes is no fault", size)
				}
			}()
			*next = 1
		}()
	}
}
