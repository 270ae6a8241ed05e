package zerobuffer

import (
	"context"
	"errors"
	"iter"

	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
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
	defer r.s.leave(guard(), &err)
	if err := ctx.Err(); err != nil {
		return f, asTimeout(err, errReadTimeout)
	}
	f.reader = r
	if err := r.read(ctx, &f.item); err != nil {
		return Frame{}, err
	}
	r.passed.Add(f.item.Size)
	r.s.through = true
	return f, nil
}

// TryReadFrame returns the next frame if there is one, and false if there is none now. Errors are
// those of [Reader.ReadFrame].
func (r *Reader) TryReadFrame() (f Frame, ok bool, err error) {
	if err := r.s.enter(); err != nil {
		return f, false, err
	}
	defer r.s.leave(guard(), &err)
	r.ring.Pay()
	f.reader = r
	if ok, err = r.tryRead(true, &f.item); ok {
		r.passed.Add(f.item.Size)
		return f, true, nil
	}
	if err == nil {
		r.hurry()
		r.freeStuckWriter()
	}
	return Frame{}, false, err
}

// ReadBatch waits for the first frame and then takes what is there, up to len(frames). It returns
// how many it stored. An error that comes after the first frame is left to the next call.
func (r *Reader) ReadBatch(ctx context.Context, frames []Frame) (n int, err error) {
	defer func() {
		if err != nil { // see Latest
			for ; n > 0; n-- {
				frames[n-1].Release()
				frames[n-1] = Frame{}
			}
		}
	}()
	if err := r.s.enter(); err != nil {
		return 0, err
	}
	defer r.s.leave(guard(), &err)
	if err := ctx.Err(); err != nil || len(frames) == 0 {
		return 0, asTimeout(err, errReadTimeout)
	}
	next := Frame{reader: r} // what is in frames stays whole if the memory ends meanwhile
	if err := r.read(ctx, &next.item); err != nil {
		return 0, err
	}
	r.passed.Add(next.item.Size)
	frames[0] = next
	for n = 1; n < len(frames); n++ {
		f := &frames[n]
		if !r.readSeen(&f.item) {
			if ok, err := r.readMore(&next.item); !ok || err != nil {
				return n, nil
			}
			f.item = next.item
		}
		f.reader = r
		r.passed.Add(f.item.Size)
	}
	return len(frames), nil
}

// Latest returns the newest frame and releases the older ones unread. It waits if there is none,
// like [Reader.ReadFrame]. It passes at most as many bytes as the ring holds: what comes meanwhile
// may be left to the next call.
func (r *Reader) Latest(ctx context.Context) (newest Frame, err error) {
	defer func() {
		if err != nil { // it may have met the end of the memory with a frame in hand
			newest.Release()
			newest = Frame{}
		}
	}()
	if err := r.s.enter(); err != nil {
		return newest, err
	}
	defer r.s.leave(guard(), &err)
	if err := ctx.Err(); err != nil {
		return newest, asTimeout(err, errReadTimeout)
	}
	newest.reader = r
	if err := r.read(ctx, &newest.item); err != nil {
		return newest, err
	}
	for left := len(r.s.seg.Payload); ; {
		r.passed.Add(newest.item.Size)
		// A writer that is faster than this loop, or hostile, could go on for ever.
		if left -= layout.HeaderSize + newest.Len(); left <= 0 {
			return newest, nil
		}
		next := Frame{reader: r}
		if ok, err := r.tryRead(false, &next.item); !ok || err != nil {
			return newest, nil // an error is left to the next call
		}
		newest.Release()
		newest = next
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
	// aPart of the ring that was read since the last look, or a larger one, says that the writer may
	// soon wait for space.
	aPart = 16
	// aLot of bytes takes so long to read that the look behind it costs the writer next to nothing.
	aLot = 64 << 10
	// calm is how many frames are read without a block until space is given back late.
	calm = 16
)

// read waits for a frame and puts it into it, as all that follow do.
func (r *Reader) read(ctx context.Context, it *ring.Item) error {
	if r.readSeen(it) {
		return nil
	}
	if r.credit == 0 {
		r.ring.Pay()
		r.await()
	}
	if r.credit != 0 {
		if ok, err := r.take(it); ok || err != nil {
			return err
		}
	}
	r.waits.Add(1)
	r.hurry()
	if ok, err := r.tryRead(false, it); ok || err != nil {
		return err
	}
	return r.wait(ctx, it)
}

// wait is the part of read that blocks.
func (r *Reader) wait(ctx context.Context, it *ring.Item) error {
	w := wait{timeout: r.opts.ReadTimeout, every: r.s.rest(false)}
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
		ok, err := r.tryRead(look, it)
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
	if r.opts.Wait != WaitBlock {
		r.patience.Pause(r.awaited())
	}
	soon := true
	if r.credit = r.s.fresh(); r.credit == 0 && r.writer.gone == nil {
		r.credit = r.s.spin.Until(r.s.arrived)
		soon = r.s.spin.Soon
	}
	if r.credit != 0 {
		r.ring.Expect()
		r.expectAnswer()
	}
	r.patience.Found(r.credit, soon)
	r.calmDown()
}

// calmDown is called after a look that did not block. Once it has found enough frames, space goes
// back late from here on.
func (r *Reader) calmDown() {
	if r.calm = min(r.calm+int(min(r.credit, calm)), calm); r.calm == calm && r.s.ours {
		r.ring.Hurry(ring.NoHaste)
	}
}

// awaited tells whether a pause before the next look is out of place. The writer may be waiting for
// this side: for an answer, which a process that writes no frames does not give, or for space. Or
// looks are rare as it is. It is called once before each look for frames.
func (r *Reader) awaited() bool {
	before := r.looked
	r.looked = r.ring.BytesRead()
	most := min(uint64(len(r.s.seg.Payload))/aPart, aLot)
	return openWriters.Load() != 0 || r.looked-before > most
}

// hurry gives back what is owed and takes used tokens, because this side is about to block or has
// found nothing, and goes on giving back at each release until frames come fast again.
func (r *Reader) hurry() {
	r.calm = 0
	r.s.settle()
	r.ring.Hurry(ring.EachFrame)
	r.ring.GiveBack()
}

// readSeen reads the next frame if it is as most are while frames stream in: one of those that the
// last look has found, and not the last one of them.
func (r *Reader) readSeen(it *ring.Item) bool {
	if r.credit <= 1 || !r.ring.NextSeen(it) {
		return false
	}
	r.credit--
	return true
}

// readMore reads the next frame of a batch if there is one, when readSeen has not.
func (r *Reader) readMore(it *ring.Item) (bool, error) {
	if r.credit == 0 {
		r.ring.Pay()
		if r.credit = r.s.fresh(); r.credit != 0 {
			r.calmDown()
		}
	}
	return r.tryKnown(false, it)
}

// tryRead reads the next frame if there is one. While the writer lives a frame needs a token and
// a position; when it is gone, positions alone count (contract 4a). look asks the system whether
// the writer is alive.
func (r *Reader) tryRead(look bool, it *ring.Item) (bool, error) {
	if r.credit == 0 {
		r.credit = r.s.fresh()
	}
	return r.tryKnown(look, it)
}

// tryKnown is tryRead without a look for tokens.
func (r *Reader) tryKnown(look bool, it *ring.Item) (bool, error) {
	if r.credit != 0 {
		if ok, err := r.take(it); ok || err != nil {
			return ok, err
		}
	}
	r.meetWriter(look)
	if r.writer.gone == nil {
		return false, nil
	}
	switch ok, err := r.ring.Next(false, it); {
	case ok:
		return true, nil
	case err != nil:
		return false, r.s.errorf("read frame of", err)
	}
	return false, r.writer.gone
}

// take reads the next frame for a token that is there.
func (r *Reader) take(it *ring.Item) (bool, error) {
	ok, err := r.ring.Next(r.writer.foreign, it)
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
	case r.calm < calm || !r.s.ours:
		return ring.EachFrame
	case r.ring.CouldRestart(r.patience.Streaming()):
		return ring.LastFrame
	}
	return ring.NoHaste
}
