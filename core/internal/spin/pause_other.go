//go:build !(amd64 || arm64)

package spin

import "runtime"

// Pause gives up the processor for a moment.
func Pause(uint32) { runtime.Gosched() }

// PrefetchWrite does nothing.
func PrefetchWrite([]byte) {}

// PrefetchRead does nothing.
func PrefetchRead([]byte) {}
