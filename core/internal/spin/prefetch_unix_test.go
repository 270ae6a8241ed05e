//go:build unix

package spin

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPrefetchOfMemoryThatIsGone would end in a fault if a prefetch could fail.
func TestPrefetchOfMemoryThatIsGone(t *testing.T) {
	b, err := syscall.Mmap(-1, 0, syscall.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_SHARED)
	require.NoError(t, err)
	require.NoError(t, syscall.Munmap(b))
	PrefetchWrite(b)
	PrefetchRead(b)
}
