package inproc

import (
	"unsafe"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// maxSize keeps a mistaken size from ending the process: a failed allocation cannot be caught.
const maxSize = 1 << 36

// alignedBytes returns zeroed memory that starts at a multiple of 8 bytes.
func alignedBytes(size uint64) ([]byte, error) {
	if size > maxSize {
		return nil, &driver.NoSpaceError{
			Need: size, Free: maxSize, Where: "the in-process backend",
			Hint: "choose a smaller PayloadSize",
		}
	}
	words := make([]uint64, size/8+1)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size), nil
}
