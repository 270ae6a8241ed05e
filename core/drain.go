package zerobuffer

import (
	"context"
	"errors"
)

// Drained tells whether the reader has read all frames and given back their space.
func (w *Writer) Drained() bool {
	if err := w.s.enter(); err != nil {
		return false
	}
	defer w.s.leave()
	return w.ring.Drained()
}

// WaitDrained waits until [Writer.Drained] is true, or the reader has gone and left nothing unread.
// If it left something, the error matches [ErrReaderDead] and carries the number of frames. Like
// the methods that write it is for one goroutine at a time.
func (w *Writer) WaitDrained(ctx context.Context) error {
	return w.s.poll(ctx, "wait for the reader of", func(look bool) (bool, error) {
		if w.s.enter() != nil {
			return false, nil // a write is in progress
		}
		defer w.s.leave()
		if w.ring.Drained() {
			return true, nil
		}
		gone := w.lookForReader()
		var reader *ReaderGoneError
		switch {
		case errors.As(gone, &reader) && reader.Unread == 0:
			return true, nil
		case gone == nil && look:
			return false, w.s.ch.Check()
		}
		return false, gone
	})
}
