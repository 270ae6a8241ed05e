package zerobuffer

import (
	"context"
)

// Drained tells whether the reader has read all frames and given back their space.
func (w *Writer) Drained() bool {
	if err := w.s.enter(); err != nil {
		return false
	}
	defer w.s.leave()
	return w.ring.Drained()
}

// WaitDrained waits until [Writer.Drained] is true. It returns [ErrReaderDead] when the reader
// has gone; the error carries the number of frames that were not read.
func (w *Writer) WaitDrained(ctx context.Context) error {
	var gone error
	err := w.s.poll(ctx, "wait for the reader of", func() bool {
		if w.s.enter() != nil {
			return false // a write is in progress
		}
		defer w.s.leave()
		if w.ring.Drained() {
			return true
		}
		gone = w.lookForReader()
		return gone != nil
	})
	if err == nil {
		err = w.s.errorf("wait for the reader of", gone)
	}
	return err
}
