//go:build amd64 || arm64

package spin

// Pause executes n pause instructions: the core does nothing for a moment, and leaves the cache
// line that the caller looks at, and a sibling thread, alone.
//
//go:noescape
func Pause(n uint32)
