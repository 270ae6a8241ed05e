package zerobuffer

import (
	"context"
	"errors"
	"iter"

	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
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

// read waits for a frame. The call in progress owns it.
func (r *Reader) read(ctx context.Context) (Frame, error) {
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
		r.waits.Add(1)
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

// tryRead returns the next frame if there is one. While the writer lives a frame needs a token and
// a position; when it is gone, positions alone count (contract 4a). look asks the system whether
// the writer is alive.
func (r *Reader) tryRead(look bool) (Frame, bool, error) {
	if r.credit == 0 {
		r.credit = r.s.sem.Take(allTokens)
	}
	if r.credit != 0 {
		it, ok, err := r.ring.Next(r.writer.foreign)
		if ok {
			r.credit--
			if r.writer.pid == 0 && r.writer.gone == nil {
				r.meetWriter(false) // the first frame of a writer that was not waited for
			}
			return r.frame(it), true, nil
		}
		if err != nil {
			return Frame{}, false, r.s.errorf("read frame of", err)
		}
		r.credit = 0 // tokens without a frame are surplus, and do no harm
		r.writer.surplus = true
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

// frame counts it and makes a Frame of it.
func (r *Reader) frame(it ring.Item) Frame {
	r.frames.Add(1)
	r.bytes.Add(uint64(len(it.Payload)))
	return Frame{reader: r, slot: it.Slot, gen: it.Gen, data: it.Payload, seq: it.Seq}
}
