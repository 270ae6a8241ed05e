package zerobuffer

import (
	"context"
	"log/slog"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// slowReader is how long a write waits before it says so in the log.
const slowReader = time.Second

// WriteFrame copies parts into the ring, one after the other, as one frame. It waits for room, and
// ends with the error of ctx when ctx ends, with [ErrBufferFull] after
// [WriterOptions.WriteTimeout], with [ErrClosed] when the Writer is closed and with
// [ErrReaderDead] when the reader has gone. A frame has 1 to [Writer.MaxFrameSize] bytes. After an
// error nothing of the frame was written. Nothing is allocated.
func (w *Writer) WriteFrame(ctx context.Context, parts ...[]byte) (err error) {
	if err := w.s.enter(); err != nil {
		return err
	}
	defer w.s.leave(guard(), &err)
	if err := ctx.Err(); err != nil {
		return asTimeout(err, errWriteTimeout)
	}
	done := false
	if len(parts) == 1 {
		done, err = w.put(parts[0])
	}
	if !done {
		if err := w.write(ctx, parts); err != nil {
			return err
		}
		err = w.flush()
	}
	w.s.through = true
	return err
}

// TryWriteFrame is [Writer.WriteFrame] that returns false instead of waiting for room.
func (w *Writer) TryWriteFrame(parts ...[]byte) (ok bool, err error) {
	if err := w.s.enter(); err != nil {
		return false, err
	}
	defer w.s.leave(guard(), &err)
	if len(parts) == 1 {
		if done, err := w.put(parts[0]); done {
			return true, err
		}
	}
	n := sizeOf(parts)
	err = w.checkSize(n)
	if err == nil && !w.s.ours && w.ring.LapOver() {
		err = w.lapOver(n)
	}
	var buf []byte
	if err == nil {
		buf, err = w.open(n)
	}
	if buf == nil && err == nil {
		err = w.s.errorf("write frame to", w.lookForReader())
	}
	if err != nil {
		buf, err = w.tryAgain(n, err)
	}
	if buf == nil {
		return false, err
	}
	gather(buf, parts)
	if err := w.seal(n); err != nil {
		return false, err
	}
	return true, w.flush()
}

// WriteBatch copies each element of frames into the ring as a frame of its own, with one wake-up
// for many. It returns how many were written, which is less than len(frames) only with an error.
func (w *Writer) WriteBatch(ctx context.Context, frames [][]byte) (n int, err error) {
	if err := w.s.enter(); err != nil {
		return 0, err
	}
	defer w.s.leave(guard(), &err)
	if err := ctx.Err(); err != nil {
		return 0, asTimeout(err, errWriteTimeout)
	}
	defer func() { // also when the bytes of a frame cannot be read
		if flushed := w.flush(); flushed != nil {
			n, err = 0, flushed
		}
	}()
	before := w.written.Frames.Load()
	for i, frame := range frames {
		if !w.reserved && w.peersMet() && w.ring.PutSealed(frame) { // as for most
			w.written.Add(len(frame))
			continue
		}
		if err := w.write(ctx, frames[i:i+1]); err != nil {
			return int(w.written.Frames.Load() - before), err // less those that were given up
		}
	}
	return len(frames), nil
}

// put copies a frame in one part and publishes it, if that can be done as for most: with both peers
// there, and nothing else to be seen to.
func (w *Writer) put(frame []byte) (done bool, err error) {
	if w.reserved || !w.peersMet() {
		return false, nil
	}
	if done, err = w.ring.Put(frame); done {
		w.written.Add(len(frame))
	}
	if err != nil {
		err = w.s.errorf("write frame to", err)
	}
	return done, err
}

// write copies one frame of any kind and leaves it sealed.
func (w *Writer) write(ctx context.Context, parts [][]byte) error {
	n := sizeOf(parts)
	buf, err := w.find(ctx, n)
	if err != nil {
		return err
	}
	gather(buf, parts)
	crashpoint.At("payload")
	return w.seal(n)
}

// sizeOf is the number of bytes of the frame in parts.
func sizeOf(parts [][]byte) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// gather copies parts one after the other into buf.
func gather(buf []byte, parts [][]byte) {
	for _, p := range parts {
		buf = ring.Copy(buf, p)
	}
}

// find finds a place for n bytes, waits for it, and for the next reader if it is to.
func (w *Writer) find(ctx context.Context, n int) ([]byte, error) {
	if !w.reserved && w.peersMet() {
		if buf := w.ring.Straight(uint64(n)); buf != nil { // as for most
			return buf, nil
		}
	}
	buf, err := w.findHere(ctx, n)
	if err != nil {
		return w.again(ctx, n, err)
	}
	return buf, nil
}

// findHere finds a place for n bytes in the buffer of this reader, and waits for it.
func (w *Writer) findHere(ctx context.Context, n int) ([]byte, error) {
	if err := w.checkSize(n); err != nil {
		return nil, err
	}
	return w.place(ctx, n)
}

// checkSize tells whether a frame of n bytes can be written now, and whether there is a reader.
func (w *Writer) checkSize(n int) error {
	var err error
	switch most := w.ring.MaxPayload(); {
	case w.reserved:
		return ErrReserved
	case n <= 0:
		err = ErrEmptyFrame
	case uint64(n) > most:
		err = w.tooLarge(n, most)
	default:
		err = w.meetPeers()
	}
	return w.s.errorf("write frame to", err)
}

func (w *Writer) tooLarge(n int, most uint64) error {
	need := layout.Align(uint64(n)+layout.HeaderSize, layout.BlockAlignment)
	need = min(need, layout.MaxSize) // no ring is larger
	return &FrameSizeError{Size: int64(n), Max: int64(most), Ring: int64(need)}
}

// place finds a place for n bytes and waits for it.
func (w *Writer) place(ctx context.Context, n int) ([]byte, error) {
	if w.ring.LapOver() {
		if err := w.lapOver(n); err != nil {
			return nil, err
		}
	}
	if buf, err := w.open(n); buf != nil || err != nil {
		return buf, err
	}
	return w.room(ctx, n)
}

// lapOver does what is due about once a lap, before a frame of n bytes. A foreign reader posts a
// token for each frame that it has read, and fails when the semaphore is full, which it would be
// one day if there was always room (contract 5).
func (w *Writer) lapOver(n int) error {
	if !w.s.ours {
		w.s.takeAll()
	}
	return w.s.errorf("write frame to", w.ring.EndLap(uint64(n)))
}

// room waits for room for n bytes, when open has found none.
func (w *Writer) room(ctx context.Context, n int) ([]byte, error) {
	s := w.s
	wt := wait{timeout: w.opts.WriteTimeout, every: w.s.rest(false), began: w.next.began}
	wt.warned = !wt.began.IsZero() // it was not this reader that it has waited for
	if w.ring.Unsettled() {
		wt.every = closeLook
	}
	for look := false; ; {
		var got uint32
		var err error
		if !look {
			if got, err = w.awaitSpace(ctx, &wt); err != nil {
				return nil, asTimeout(err, errWriteTimeout)
			}
		}
		broken, err := w.lookAround(&wt, got == 0, n)
		if err != nil {
			w.next.began = wt.began
			return nil, s.errorf("write frame to", err)
		}
		buf, err := w.open(n)
		switch {
		case buf != nil || err != nil:
			return buf, err
		case broken != nil:
			w.next.began = wt.began
			return nil, s.errorf("write frame to", broken)
		case wt.over:
			return nil, errWriteTimeout
		}
		look = false
		if got == 0 {
			if wt.warned && !w.ring.Unsettled() { // the warning comes with a look
				wt.every = s.rest(true)
			}
			continue
		}
		if look, err = s.inVain(ctx, &wt); err != nil {
			return nil, asTimeout(err, errWriteTimeout)
		}
	}
}

// awaitSpace waits for tokens of sem-r. Surplus tokens of earlier frames go first; each is followed
// by a look at the space.
func (w *Writer) awaitSpace(ctx context.Context, wt *wait) (uint32, error) {
	s := w.s
	if n := s.takeAll(); n != 0 {
		return n, nil
	}
	w.waits.Add(1)
	w.nap()
	if n := s.spin.Until(s.arrived); n != 0 {
		return n, nil
	}
	return s.tokens(ctx, wt)
}

// lookAround is done after each wake-up: has the reader closed? And when it is due: is it alive,
// are the objects still there? broken is what is wrong with the objects; the write may go on
// without them if there is room.
func (w *Writer) lookAround(wt *wait, due bool, n int) (broken, err error) {
	if !due {
		return nil, w.meetPeers()
	}
	if err := w.lookForReader(); err != nil {
		return nil, err
	}
	if !wt.warned && time.Since(wt.began) > slowReader {
		wt.warned = true
		if w.s.log.Enabled(context.Background(), slog.LevelWarn) { // to count may take long
			w.s.log.Warn("writer is blocked: the reader gives back too little space",
				"need", n, "used", w.ring.Used(), "unread_frames", w.ring.Unread())
		}
	}
	return w.checkObjects(), nil
}

// open finds a place for n bytes, or returns nil.
func (w *Writer) open(n int) ([]byte, error) {
	w.mayAnswer()
	if w.ring.Unsettled() {
		if err := w.ring.Settle(); err != nil {
			return nil, w.s.errorf("write frame to", err)
		}
	}
	buf, err := w.ring.Open(uint64(n))
	if w.doubt.Load() != 0 {
		w.doubt.Store(w.ring.Doubt()) // some of it may have turned out to be free
	}
	if err != nil {
		return nil, w.s.errorf("write frame to", err)
	}
	return buf, nil
}

// seal ends the open frame and counts it.
func (w *Writer) seal(n int) error {
	w.written.Add(n)
	if err := w.ring.Seal(uint64(n)); err != nil {
		return w.s.errorf("write frame to", err)
	}
	return nil
}

func (w *Writer) flush() error {
	if err := w.ring.Flush(); err != nil {
		return w.s.errorf("write frame to", err)
	}
	return nil
}
