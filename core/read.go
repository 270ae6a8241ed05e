package zerobuffer

import (
	"context"
	"errors"
	"iter"

	"github.com/zerobuffer-go/zerobuffer/core/internal/release"
	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// ReadFrame waits for the next frame and returns it. It ends with the error of ctx when ctx ends,
// with [ErrTimeout] after [ReaderOptions.ReadTimeout], with [ErrClosed] when the Reader is closed,
// and with [ErrWriterClosed] or [ErrWriterDead] when the writer has gone and all its frames were
// read. A ctx that has ended at entry consumes nothing. Nothing is allocated.
func (r *Reader) ReadFrame(ctx context.Context) (f Frame, err error) {
	if err := r.s.enter(); err != nil {
		return f, err
	}
	defer r.s.leave(&err)
	if err := ctx.Err(); err != nil {
		return f, asTimeout(err, errReadTimeout)
	}
	if err := r.read(ctx); err != nil {
		return f, err
	}
	r.frame(&f)
	r.s.through = true
	return f, nil
}

// TryReadFrame returns the next frame if there is one, and false if there is none now. Errors are
// those of [Reader.ReadFrame].
func (r *Reader) TryReadFrame() (f Frame, ok bool, err error) {
	if err := r.s.enter(); err != nil {
		return f, false, err
	}
	defer r.s.leave(&err)
	r.pay()
	if ok, err = r.tryRead(true); ok {
		r.frame(&f)
		return f, true, nil
	}
	if err == nil {
		r.hurry()
		r.freeStuckWriter()
	}
	return f, false, err
}

// ReadBatch waits for the first frame and then takes what is there, up to len(frames). It returns
// how many it stored. An error that comes after the first frame is left to the next call.
func (r *Reader) ReadBatch(ctx context.Context, frames []Frame) (n int, err error) {
	if err := r.s.enter(); err != nil {
		return 0, err
	}
	defer r.s.leave(&err)
	if err := ctx.Err(); err != nil || len(frames) == 0 {
		return 0, asTimeout(err, errReadTimeout)
	}
	if err := r.read(ctx); err != nil {
		return 0, err
	}
	r.frame(&frames[0])
	for n = 1; n < len(frames); n++ {
		if ok, err := r.tryRead(false); !ok || err != nil {
			return n, nil
		}
		r.frame(&frames[n])
	}
	return len(frames), nil
}

// Latest returns the newest frame and releases the older ones unread. It waits if there is none,
// like [Reader.ReadFrame]. It passes at most as many bytes as the ring holds: what comes meanwhile
// may be left to the next call.
func (r *Reader) Latest(ctx context.Context) (newest Frame, err error) {
	if err := r.s.enter(); err != nil {
		return newest, err
	}
	defer r.s.leave(&err)
	if err := ctx.Err(); err != nil {
		return newest, asTimeout(err, errReadTimeout)
	}
	if err := r.read(ctx); err != nil {
		return newest, err
	}
	for left := len(r.s.seg.Payload); ; {
		r.frame(&newest)
		// A writer that is faster than this loop, or hostile, could go on for ever.
		if left -= layout.HeaderSize + newest.Len(); left <= 0 {
			return newest, nil
		}
		if ok, err := r.tryRead(false); !ok || err != nil {
			return newest, nil // an error is left to the next call
		}
		newest.Release()
	}
}

// Frames returns the frames as they come, for use in a range loop. The loop ends without an error
// when the writer has closed and all its frames were read; any other error is its last pair. Each
// frame has to be released by the loop's body, or later.
func (r *Reader) Frames(ctx context.Context) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		for {
			f, err := r.ReadFrame(ctx)
			if errors.Is(err, ErrWriterClosed) {
				return
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

const (
	// Frames come fast if this many came since the last look, and this side has caught up if it
	// were no more than that.
	streaming = 8
	caughtUp  = 256
	// mostPauses is the most pauses that are then made before the next look: one for each frame of
	// the last one.
	mostPauses = 64
	// calm is how many frames are read without a block until space is given back late.
	calm = 16
)

// read waits for a frame and leaves it in r.got, as all that follow do. The call in progress owns
// it.
func (r *Reader) read(ctx context.Context) error {
	r.pay()
	if r.credit == 0 {
		r.await()
	}
	if r.credit != 0 {
		if ok, err := r.take(); ok || err != nil {
			return err
		}
	}
	r.waits.Add(1)
	r.hurry()
	if ok, err := r.tryRead(false); ok || err != nil {
		return err
	}
	return r.wait(ctx)
}

// wait is the part of read that blocks.
func (r *Reader) wait(ctx context.Context) error {
	w := wait{timeout: r.opts.ReadTimeout, every: idleLook}
	for look := false; ; {
		if !look {
			n, err := r.s.tokens(ctx, &w)
			if err != nil {
				return asTimeout(err, errReadTimeout)
			}
			r.credit += n
			look = n == 0
		}
		var broken error
		if look {
			broken = r.s.ch.Check()
		}
		ok, err := r.tryRead(look)
		switch {
		case ok || err != nil:
			return err
		case broken != nil:
			return r.s.errorf("read frame of", broken)
		case w.over:
			r.freeStuckWriter()
			return errReadTimeout
		case look:
			w.every = r.freeStuckWriter()
			look = false
		default:
			if look, err = r.s.inVain(ctx, &w); err != nil {
				return asTimeout(err, errReadTimeout)
			}
		}
	}
}

// await looks for new tokens, and spins a moment for them. It looks at no word but the one that
// tells of frames, because the writer is writing to the others.
func (r *Reader) await() {
	if r.burst-streaming <= caughtUp-streaming && r.opts.Wait != WaitBlock {
		spin.Pause(min(r.burst, mostPauses)) // to look at once would slow the writer down
	}
	if r.credit = r.s.fresh(); r.credit == 0 && r.writer.gone == nil {
		r.credit = r.s.spin.Until(r.s.arrived)
	}
	if r.credit != 0 {
		r.ring.Expect()
	}
	r.burst = r.credit
	if r.calm = min(r.calm+int(min(r.credit, calm)), calm); r.calm == calm && r.s.lazy {
		r.ring.Hurry(ring.NoHaste)
	}
}

// pay gives back what is owed if the writer is seen waiting for it.
func (r *Reader) pay() {
	if r.ring.Wanted() {
		r.ring.GiveBack()
	}
}

// hurry gives back what is owed and takes used tokens, because this side is about to block or has
// found nothing, and goes on giving back at each release until frames come fast again.
func (r *Reader) hurry() {
	r.calm = 0
	r.s.settle()
	r.ring.Hurry(ring.EachFrame)
	r.ring.GiveBack()
}

// tryRead reads the next frame if there is one. While the writer lives a frame needs a token and
// a position; when it is gone, positions alone count (contract 4a). look asks the system whether
// the writer is alive.
func (r *Reader) tryRead(look bool) (bool, error) {
	if r.credit == 0 {
		r.credit = r.s.fresh()
	}
	if r.credit != 0 {
		if ok, err := r.take(); ok || err != nil {
			return ok, err
		}
	}
	r.meetWriter(look)
	if r.writer.gone == nil {
		return false, nil
	}
	switch ok, err := r.ring.Next(false, &r.got); {
	case ok:
		return true, nil
	case err != nil:
		return false, r.s.errorf("read frame of", err)
	}
	return false, r.writer.gone
}

// take reads the next frame for a token that is there.
func (r *Reader) take() (bool, error) {
	ok, err := r.ring.Next(r.writer.foreign, &r.got)
	switch {
	case ok:
		if r.credit--; r.credit == 0 {
			r.ring.Hurry(r.haste())
		}
		if r.writer.pid == 0 && r.writer.gone == nil {
			r.meetWriter(false) // the first frame of a writer that was not waited for
		}
		return true, nil
	case err != nil:
		return false, r.s.errorf("read frame of", err)
	}
	r.credit = 0 // tokens without a frame are surplus, and do no harm
	r.writer.surplus = true
	return false, nil
}

// haste tells how urgently space goes back when there are no more tokens.
func (r *Reader) haste() ring.Haste {
	switch {
	case r.calm < calm || !r.s.lazy:
		return ring.EachFrame
	case r.ring.CouldRestart(r.burst >= streaming):
		return ring.LastFrame
	}
	return ring.NoHaste
}

// frame counts the frame that was read and puts it into f, field by field: a processor waits when
// it loads as one what was stored as two.
func (r *Reader) frame(f *Frame) {
	it := &r.got
	release.Add(&r.frames, 1)
	release.Add(&r.bytes, uint64(len(it.Payload)))
	f.reader, f.slot, f.gen = r, it.Slot, it.Gen
	f.data, f.seq = it.Payload, it.Seq
}
