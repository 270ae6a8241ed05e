// Package guarded gives tests memory that ends right before a page without access, so that an
// access to the next byte is a fault and not a matter of luck.
package guarded

import "testing"

// New returns size bytes of zeroed memory that starts at a multiple of 8. If size is one, too, the
// byte behind it is out of reach. The memory goes at the end of the test.
func New(tb testing.TB, size int) []byte {
	tb.Helper()
	return newMemory(tb, size)
}
