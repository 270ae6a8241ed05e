package zerobuffer

import (
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
)

// WaitMode says how a call waits for the other side.
type WaitMode uint8

const (
	// WaitAdaptive looks at shared memory for a moment, and then blocks: for 20 µs, about as long
	// as a wake-up through the kernel takes, or twice as long as this side has worked since its
	// last wait, up to 1 ms. It stops looking while that is in vain, and with one processor. It is
	// the default, and right for nearly everything.
	WaitAdaptive WaitMode = iota
	// WaitBlock blocks in the kernel at once: the least CPU time, and the slowest hand-over. In front
	// of a reader of another language that leaves the ring full a Writer sleeps for a millisecond
	// first now and then, with WaitAdaptive as well.
	WaitBlock
	// WaitSpin never blocks, and so keeps a processor busy for as long as a call waits. It is for
	// a machine with a processor to spare for each side.
	WaitSpin
)

// String returns "adaptive", "block" or "spin".
func (m WaitMode) String() string {
	switch m {
	case WaitAdaptive:
		return "adaptive"
	case WaitBlock:
		return "block"
	case WaitSpin:
		return "spin"
	}
	return fmt.Sprintf("WaitMode(%d)", uint8(m))
}

// UnmarshalText implements [encoding.TextUnmarshaler], for flags and files: it takes what String
// returns.
func (m *WaitMode) UnmarshalText(text []byte) error {
	for mode := WaitAdaptive; mode <= WaitSpin; mode++ {
		if string(text) == mode.String() {
			*m = mode
			return nil
		}
	}
	return fmt.Errorf("parse wait mode %q: use adaptive, block or spin", text)
}

// MarshalText implements [encoding.TextMarshaler].
func (m WaitMode) MarshalText() ([]byte, error) { return []byte(m.String()), m.check() }

func (m WaitMode) check() error {
	if m > WaitSpin {
		return fmt.Errorf("wait mode %d: must be WaitAdaptive, WaitBlock or WaitSpin", uint8(m))
	}
	return nil
}

func (m WaitMode) spin() spin.Mode {
	switch m {
	case WaitBlock:
		return spin.Never
	case WaitSpin:
		return spin.Always
	}
	return spin.Adaptive
}
