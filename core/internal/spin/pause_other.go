//go:build !(amd64 || arm64)

package spin

import (
	"runtime"
	"sync/atomic"
)

// Pause gives up the processor for a moment.
func Pause(uint32) { runtime.Gosched() }

// PrefetchWrite does nothing.
func PrefetchWrite([]byte) {}

// PrefetchWriteWord does nothing.
func PrefetchWriteWord(*atomic.Uint64) {}

// PrefetchRead does nothing.
func PrefetchRead([]byte) {}
