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
	defer w.s.leave(&err)
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
	var gone error
	err := w.s.poll(ctx, "wait for the reader of", func() (done bool) {
		done, gone = w.drainedOrGone()
		return done
	})
	var reader *ReaderGoneError
	if errors.As(gone, &reader) && reader.Unread == 0 {
		gone = nil
	}
	if err == nil {
		err = w.s.errorf("wait for the reader of", gone)
	}
	return err
}

// drainedOrGone tells whether nothing is left to wait for, and why if that is not because the ring
// is drained.
func (w *Writer) drainedOrGone() (done bool, gone error) {
	err := w.s.enter()
	switch {
	case errors.Is(err, ErrConcurrentUse):
		return false, nil // a write is in progress
	case err != nil:
		return true, err
	}
	defer w.s.leave(&gone)
	if w.drained() {
		return true, nil
	}
	gone = w.lookForReader()
	return gone != nil, gone
}
