//go:build !(linux || darwin)

package guarded

import "testing"

// newMemory has no page without access: package syscall has no mprotect there.
func newMemory(_ testing.TB, size int) []byte { return make([]byte, max(size, 8))[:size] }
