//go:build !unix

package guarded

import "testing"

// newMemory has no page without access.
func newMemory(_ testing.TB, size int) []byte { return make([]byte, max(size, 8))[:size] }
