package zerobuffer

import (
	"context"
	"errors"
	"time"
)

// Reserve finds room for a frame of n bytes and returns it to be filled in place, with cap == len.
// [Writer.Commit] makes it a frame, [Writer.Abort] gives it up; until then no other frame can be
// written. It waits like [Writer.WriteFrame]. The bytes are those of old frames.
func (w *Writer) Reserve(ctx context.Context, n int) (buf []byte, err error) {
	if err := w.s.enter(); err != nil {
		return nil, err
	}
	defer w.s.leave(guard(), &err)
	if err := ctx.Err(); err != nil {
		return nil, asTimeout(err, errWriteTimeout)
	}
	buf, err = w.find(ctx, n)
	w.reserved = w.reserved || err == nil
	return buf, err
}

// Commit makes the first n reserved bytes a frame; n is at least 1 and at most what was reserved.
// After an error about n the frame is still reserved. At the end of a lap a fast writer may spin
// for the reader, for a millisecond at most.
func (w *Writer) Commit(n int) (err error) {
	if err := w.endReserve(); err != nil {
		return err
	}
	defer w.s.leave(guard(), &err)
	switch most := w.ring.OpenSize(); {
	case n <= 0:
		return w.s.errorf("commit frame to", ErrEmptyFrame)
	case uint64(n) > most:
		return w.s.errorf("commit frame to", w.tooLarge(n, most))
	}
	w.reserved = false
	if err := w.meetPeers(); err != nil {
		w.ring.Abandon()
		return w.s.errorf("commit frame to", err)
	}
	if err := w.seal(n); err != nil {
		return err
	}
	return w.flush()
}

// Abort gives the reserved frame up. Its sequence number goes to the next frame.
func (w *Writer) Abort() (err error) {
	if err := w.endReserve(); err != nil {
		return err
	}
	defer w.s.leave(guard(), &err)
	w.reserved = false
	w.ring.Abandon()
	return nil
}

// Fill writes a frame of at most n bytes in place: it reserves them, calls fill, and commits as
// many as that returns. If fill returns an error the frame is given up. Like [Frame.Do] it protects
// fill from a program that cuts off the segment meanwhile.
func (w *Writer) Fill(
	ctx context.Context, n int, fill func(b []byte) (int, error),
) (err error) {
	b, err := w.Reserve(ctx, n)
	if err != nil {
		return err
	}
	defer func() {
		if w.reserved { // after a panic as well
			err = errors.Join(err, w.Abort())
		}
	}()
	var used int
	err = w.s.guarded(func() (err error) {
		used, err = fill(b)
		return err
	})
	if err != nil {
		return err
	}
	return w.Commit(used)
}

// endReserve enters a call that needs a reserved frame. If the Writer was closed meanwhile the
// frame is gone, and the memory with it.
func (w *Writer) endReserve() error {
	err := w.s.enter()
	if errors.Is(err, ErrSegmentTruncated) {
		err = w.giveUpReserved(err)
	}
	switch {
	case errors.Is(err, ErrClosed):
		for !w.s.detached.Load() { // Close is still at the memory
			time.Sleep(100 * time.Microsecond)
		}
		if e := w.s.unmap(); e != nil {
			return e
		}
		return w.s.errorf("commit frame to", err)
	case err != nil:
		return err
	case !w.reserved:
		w.s.busy.Store(callNone)
		return ErrNotReserved
	}
	return nil
}

// giveUpReserved gives up the reserved frame of a Writer that has met memory that is gone, as err
// says, so that Close lets the rest go. It returns err, or why that cannot be done.
func (w *Writer) giveUpReserved(err error) error {
	if !w.s.busy.CompareAndSwap(callFaulted, callRunning) {
		return w.s.refusal()
	}
	w.reserved = false
	w.s.busy.Store(callFaulted)
	return err
}
