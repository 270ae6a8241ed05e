//go:build amd64 || arm64

package spin

// Pause executes n pause instructions: the core does nothing for a moment, and leaves the cache
// line that the caller looks at, and a sibling thread, alone.
//
//go:noescape
func Pause(n uint32)

// PrefetchWrite begins to fetch the cache lines of b, so as to write to them soon.
func PrefetchWrite(b []byte) {
	if len(b) > 0 {
		prefetchWriteLines(&b[0], uint64(len(b)+lineSize-1)/lineSize)
	}
}

// PrefetchRead begins to fetch the cache lines of b, so as to read them soon.
func PrefetchRead(b []byte) {
	if len(b) > 0 {
		prefetchReadLines(&b[0], uint64(len(b)+lineSize-1)/lineSize)
	}
}

const lineSize = 64

//go:noescape
func prefetchWriteLines(p *byte, n uint64)

//go:noescape
func prefetchReadLines(p *byte, n uint64)
