// Package ring is the arithmetic of a ZeroBuffer ring, once for both sides: where a frame goes,
// in which order the shared words are stored, how space comes back, and how a new writer goes on
// where a killed one stopped. It makes no system call and looks at no clock; it knows its peer
// only by the words of the segment and by two semaphores.
//
// Every position, size and count in the segment may have been written by a broken peer. Each is
// loaded once into a local, checked against private numbers, and then used.
//
// The rules come from sections 3 to 5a of the wire contract; see docs/protocol.md. In comments,
// "contract 3a" and the like name its sections.
package ring

import (
	"errors"
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

var (
	// ErrCorrupt says that the segment holds values that cannot be.
	ErrCorrupt = errors.New("buffer is corrupt")
	// ErrSequence says that a frame has another number than expected.
	ErrSequence = errors.New("unexpected sequence number")
)

// SequenceError carries the number that was expected and the one that was there. It matches
// [ErrSequence].
type SequenceError struct {
	Expected, Got uint64
}

// Error gives both numbers.
func (e *SequenceError) Error() string {
	return fmt.Sprintf("read frame: sequence number is %d, expected %d: the writer lost a frame, "+
		"or the buffer was written by something else", e.Got, e.Expected)
}

// Unwrap returns [ErrSequence].
func (e *SequenceError) Unwrap() error { return ErrSequence }

// Tokens is what the ring needs of a semaphore; driver.Semaphore has it.
type Tokens interface {
	Take(limit uint32) uint32
	Post(n uint32) error
	State() (tokens, waiters uint32)
	ResetWaiters(tokens, waiters uint32) bool
}

// view is a ring as both sides see it. size is a private copy of the payload size.
type view struct {
	oieb *layout.OIEB
	data []byte
	size uint64
}

func newView(seg layout.Segment) view {
	return view{oieb: seg.OIEB, data: seg.Payload, size: uint64(len(seg.Payload))}
}

// fold returns p with the end of the ring taken as its start: both are legal on the wire.
func (v *view) fold(p uint64) uint64 {
	if p == v.size {
		return 0
	}
	return p
}

// distance is the number of bytes from r forward to w, both folded; 0 if they are equal.
func (v *view) distance(r, w uint64) uint64 {
	if w >= r {
		return w - r
	}
	return v.size - r + w
}

// position checks a position that a peer has stored and folds it.
func (v *view) position(name string, p uint64) (uint64, error) {
	if p > v.size {
		return 0, v.beyond(name, p)
	}
	return v.fold(p), nil
}

// beyond says that a position is not in the ring.
func (v *view) beyond(name string, p uint64) error {
	return fmt.Errorf("%s is %d, the ring has %d bytes: %w", name, p, v.size, ErrCorrupt)
}

// free is payload_free_bytes, forced into 0..size: a peer without atomic additions was seen to
// take it above the size and may take it below 0.
func (v *view) free() uint64 {
	f := v.oieb.PayloadFree.Load()
	if int64(f) < 0 {
		return 0
	}
	return min(f, v.size)
}

// goodEnd tells whether a frame may end at end: no header fits into a tail of 1 to 15 bytes, and
// readers of other languages are lost there (contract 5).
func (v *view) goodEnd(end uint64) bool {
	return end == v.size || end+layout.HeaderSize <= v.size
}
