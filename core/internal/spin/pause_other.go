//go:build !(amd64 || arm64)

package spin

import (
	"runtime"
	"sync/atomic"
)

// Pause gives up the processor for a moment.
func Pause(uint32) { runtime.Gosched() }

// PrefetchWord does nothing.
func PrefetchWord(*atomic.Uint64) {}

// PrefetchWrite does nothing.
func PrefetchWrite([]byte) {}

// PrefetchRead does nothing.
func PrefetchRead([]byte) {}
