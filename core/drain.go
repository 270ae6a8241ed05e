package zerobuffer

import (
	"context"
	"errors"
)

// Drained tells whether the reader has read all frames and given back their space.
func (w *Writer) Drained() (yes bool) {
	err := w.s.enter()
	if err != nil {
		return false
	}
	defer w.s.leave(guard(), &err)
	return w.drained()
}

func (w *Writer) drained() bool {
	if w.s.between() {
		return w.next.unread == 0
	}
	return w.ring.Drained()
}

// WaitDrained waits until [Writer.Drained] is true, or the reader has gone and left nothing unread.
// If it left something, the error matches [ErrReaderDead] and carries the number of frames. Like
// the methods that write it is for one goroutine at a time.
func (w *Writer) WaitDrained(ctx context.Context) error {
	return w.s.poll(ctx, "wait for the reader of", w.drainedOrGone)
}

// drainedOrGone tells whether nothing is left to wait for, and why if that is not because the ring
// is drained. look asks whether the objects are still there.
func (w *Writer) drainedOrGone(look bool) (done bool, gone error) {
	err := w.s.enter()
	switch {
	case errors.Is(err, ErrConcurrentUse):
		return false, nil // a write is in progress
	case err != nil:
		return false, err
	}
	defer w.s.leave(guard(), &gone)
	if w.drained() {
		return true, nil
	}
	if gone = w.lookForReader(); gone == nil && look {
		gone = w.checkObjects()
	}
	reader, ok := errors.AsType[*ReaderGoneError](gone)
	if ok && reader.Unread == 0 {
		return true, nil
	}
	return false, gone
}
