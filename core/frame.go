package zerobuffer

import (
	"runtime"

	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
)

// Frame is one frame in the ring: a view of shared memory, valid until [Frame.Release]. It is a
// small value; copies stand for the same frame. The zero Frame is empty and released.
//
// The bytes may be changed in place. A broken or hostile writer can change them as well, at any
// time; copy them before a decision that such a change could spoil.
type Frame struct { // four words: more would not be kept in registers
	reader *Reader
	item   ring.Item
}

// Bytes returns the payload as a view of shared memory, with cap == len. It returns nil after
// [Frame.Release]; a slice from before must not be used then, because the writer puts other
// frames there. It lives on after [Reader.Close] until Release.
func (f Frame) Bytes() []byte {
	if f.item.Ticket == 0 {
		return nil
	}
	return f.reader.ring.Payload(f.item)
}

// Do calls use with the payload and returns its error, or [ErrReleased] after [Frame.Release]. It
// protects use from a program that cuts off the segment meanwhile: an access to bytes that are gone
// ends use, and Do returns [ErrSegmentTruncated]. Without it such an access ends the program. The
// protection is for the calling goroutine, not for others that use starts.
func (f Frame) Do(use func(b []byte) error) (err error) {
	b := f.Bytes()
	if b == nil {
		return ErrReleased
	}
	defer unguard(guard(), f.reader.s.ch, &err)
	err = use(b)
	runtime.KeepAlive(f.reader) // the clean-up of one that was dropped takes the memory away
	return err
}

// Len is the number of payload bytes.
func (f Frame) Len() int { return f.item.Size }

// Sequence is the number that the writer gave the frame; the first one is 1.
func (f Frame) Sequence() uint64 { return f.item.Seq }

// Valid tells whether the frame is held: it was read, and not released.
func (f Frame) Valid() bool { return f.item.Ticket != 0 && f.reader.ring.Holds(f.item.Ticket) }

// Release gives the space of the frame back to the writer. Frames may be released in any order
// and from any goroutine; space goes back in the order of the frames. A second Release, through
// this value or a copy, does nothing, even when the place belongs to a later frame by then. While
// frames come fast space goes back some milliseconds later, or as soon as the writer waits for it.
func (f Frame) Release() {
	if f.item.Ticket != 0 {
		f.reader.release(f.item.Ticket)
	}
}
