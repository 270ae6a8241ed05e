// Package spin decides how long a waiter looks at a word before it blocks in the kernel.
package spin

import (
	"runtime"
	"time"
)

const (
	// limit is how long one spin lasts at most. A wake-up through the kernel costs more.
	limit = 20 * time.Microsecond
	// Worth is the length of a wait in the kernel below which a spin would have been better.
	Worth = 2 * limit
	// maxSkip is how many waits go by without a spin after many that were in vain.
	maxSkip = 256
	// pauses is the number of pause instructions between two looks.
	pauses = 8
)

// Spinner is the memory of one waiter. The zero value is ready to use. It is not safe for
// concurrent use.
type Spinner struct {
	skip    int // waits to go without a spin
	penalty int // what skip becomes after the next spin in vain
}

// Until calls try until it returns more than 0 or the spin has lasted long enough, and returns
// what try returned last. With one processor it never spins, and after spins in vain it leaves
// out more and more of them.
func (s *Spinner) Until(try func() uint32) uint32 {
	if s.skip > 0 || runtime.GOMAXPROCS(0) == 1 || runtime.NumCPU() == 1 {
		s.skip--
		return 0
	}
	for start := time.Now(); time.Since(start) < limit; {
		if n := try(); n != 0 {
			s.Hit()
			return n
		}
		Pause(pauses)
	}
	s.penalty = min(2*s.penalty+1, maxSkip)
	s.skip = s.penalty
	return 0
}

// Hit says that a wait was short, so that the next one spins again.
func (s *Spinner) Hit() { s.skip, s.penalty = 0, 0 }
