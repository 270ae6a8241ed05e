package zerobuffer

import (
	"context"
	"errors"
	"iter"

	"github.com/zerobuffer-go/zerobuffer/core/internal/release"
	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
)

// ReadFrame waits for the next frame and returns it. It ends with the error of ctx when ctx ends,
// with [ErrTimeout] after [ReaderOptions.ReadTimeout], with [ErrClosed] when the Reader is closed,
// and with [ErrWriterClosed] or [ErrWriterDead] when the writer has gone and all its frames were
// read. A ctx that has ended at entry consumes nothing. Nothing is allocated.
func (r *Reader) ReadFrame(ctx context.Context) (Frame, error) {
	if err := r.s.enter(); err != nil {
		return Frame{}, err
	}
	defer r.s.leave()
	if err := ctx.Err(); err != nil {
		return Frame{}, asTimeout(err, errReadTimeout)
	}
	return r.read(ctx)
}

// TryReadFrame returns the next frame if there is one, and false if there is none now. Errors are
// those of [Reader.ReadFrame].
func (r *Reader) TryReadFrame() (Frame, bool, error) {
	if err := r.s.enter(); err != nil {
		return Frame{}, false, err
	}
	defer r.s.leave()
	f, ok, err := r.tryRead(true)
	if !ok && err == nil {
		r.hurry()
		r.freeStuckWriter()
	}
	return f, ok, err
}

// ReadBatch waits for the first frame and then takes what is there, up to len(frames). It returns
// how many it stored. An error that comes after the first frame is left to the next call.
func (r *Reader) ReadBatch(ctx context.Context, frames []Frame) (int, error) {
	if err := r.s.enter(); err != nil {
		return 0, err
	}
	defer r.s.leave()
	if err := ctx.Err(); err != nil || len(frames) == 0 {
		return 0, asTimeout(err, errReadTimeout)
	}
	var err error
	if frames[0], err = r.read(ctx); err != nil {
		return 0, err
	}
	n := 1
	for ; n < len(frames); n++ {
		f, ok, err := r.tryRead(false)
		if !ok || err != nil {
			break
		}
		frames[n] = f
	}
	return n, nil
}

// Latest returns the newest frame and releases the older ones unread. It waits if there is none,
// like [Reader.ReadFrame].
func (r *Reader) Latest(ctx context.Context) (Frame, error) {
	if err := r.s.enter(); err != nil {
		return Frame{}, err
	}
	defer r.s.leave()
	if err := ctx.Err(); err != nil {
		return Frame{}, asTimeout(err, errReadTimeout)
	}
	newest, err := r.read(ctx)
	for err == nil {
		f, ok, next := r.tryRead(false)
		if !ok || next != nil {
			break // an error is left to the next call
		}
		newest.Release()
		newest = f
	}
	return newest, err
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
	// streaming is the number of frames that came since the last look from which on frames come
	// fast, and streamPauses how many pauses are then made before the next look.
	streaming    = 8
	streamPauses = 64
	// calm is how many frames are read without a block until space is given back late.
	calm = 16
)

// read waits for a frame. The call in progress owns it.
func (r *Reader) read(ctx context.Context) (Frame, error) {
	if f, ok, err := r.readFast(); ok || err != nil {
		return f, err
	}
	r.waits.Add(1)
	r.hurry()
	if f, ok, err := r.tryRead(false); ok || err != nil {
		return f, err
	}
	w := wait{timeout: r.opts.ReadTimeout, every: idleLook}
	for {
		n, err := r.s.tokens(ctx, &w)
		if err != nil {
			return Frame{}, asTimeout(err, errReadTimeout)
		}
		r.credit += n
		var broken error
		if n == 0 {
			broken = r.s.ch.Check()
		}
		f, ok, err := r.tryRead(n == 0)
		switch {
		case ok || err != nil:
			return f, err
		case broken != nil:
			return Frame{}, r.s.errorf("read frame of", broken)
		case w.over:
			r.freeStuckWriter()
			return Frame{}, errReadTimeout
		case n == 0:
			w.every = r.freeStuckWriter()
		}
	}
}

// readFast returns the next frame if it is there, or comes while this side spins. It looks at no
// word but those that tell of the frame.
func (r *Reader) readFast() (Frame, bool, error) {
	if r.credit == 0 {
		if r.burst >= streaming && r.opts.Wait != WaitBlock {
			// To look at once would fetch the cache lines that the writer is writing to.
			spin.Pause(streamPauses)
		}
		if r.credit = r.s.fresh(); r.credit == 0 && r.writer.gone == nil {
			r.credit = r.s.spin.Until(r.s.fresh)
		}
		r.burst = r.credit
	}
	if r.credit == 0 {
		return Frame{}, false, nil
	}
	f, ok, err := r.take()
	if ok {
		if r.calm++; r.calm == calm {
			r.ring.Hurry(false)
		}
	}
	return f, ok, err
}

// hurry gives back what is owed, because this side is about to block, and goes on giving back at
// each release until frames come fast again.
func (r *Reader) hurry() {
	r.calm = 0
	r.ring.Hurry(true)
	r.ring.GiveBack()
}

// tryRead returns the next frame if there is one. While the writer lives a frame needs a token and
// a position; when it is gone, positions alone count (contract 4a). look asks the system whether
// the writer is alive.
func (r *Reader) tryRead(look bool) (Frame, bool, error) {
	if r.credit == 0 {
		r.credit = r.s.fresh()
	}
	if r.credit != 0 {
		if f, ok, err := r.take(); ok || err != nil {
			return f, ok, err
		}
	}
	r.meetWriter(look)
	if r.writer.gone == nil {
		return Frame{}, false, nil
	}
	it, ok, err := r.ring.Next(false)
	if ok {
		return r.frame(it), true, nil
	}
	if err != nil {
		return Frame{}, false, r.s.errorf("read frame of", err)
	}
	return Frame{}, false, r.writer.gone
}

// take returns the next frame for a token that is there.
func (r *Reader) take() (Frame, bool, error) {
	it, ok, err := r.ring.Next(r.writer.foreign)
	switch {
	case ok:
		r.credit--
		if r.writer.pid == 0 && r.writer.gone == nil {
			r.meetWriter(false) // the first frame of a writer that was not waited for
		}
		return r.frame(it), true, nil
	case err != nil:
		return Frame{}, false, r.s.errorf("read frame of", err)
	}
	r.credit = 0 // tokens without a frame are surplus, and do no harm
	r.writer.surplus = true
	return Frame{}, false, nil
}

// frame counts it and makes a Frame of it.
func (r *Reader) frame(it ring.Item) Frame {
	release.Add(&r.frames, 1)
	release.Add(&r.bytes, uint64(len(it.Payload)))
	return Frame{reader: r, slot: it.Slot, gen: it.Gen, data: it.Payload, seq: it.Seq}
}
