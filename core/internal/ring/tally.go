package ring

import (
	"sync/atomic"

	"github.com/zerobuffer-go/zerobuffer/core/internal/release"
)

// Tally counts frames and their payload bytes. One goroutine counts at a time, and others may look
// at it. The zero value is ready to use.
type Tally struct{ Frames, Bytes atomic.Uint64 }

// Add counts a frame with n payload bytes.
func (t *Tally) Add(n int) {
	release.Add(&t.Frames, 1)
	release.Add(&t.Bytes, uint64(n))
}
