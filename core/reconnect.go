package zerobuffer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// connectEvery is how often a writer that waits for a reader looks whether there is a buffer.
const connectEvery = 5 * time.Millisecond

// following is what a Writer needs to go on in the buffer that follows one whose reader has gone;
// see [WriterOptions.Reconnect]. The call in progress owns all but the counters.
type following struct {
	backend  driver.Backend
	metadata []byte    // what the next buffer gets, nil for nothing
	unread   uint64    // frames that were left in the buffer that was given up
	tried    time.Time // when a buffer was looked for the last time
	began    time.Time // when the call in progress began to wait; zero unless its reader has gone

	reconnects atomic.Uint64
	lost       atomic.Uint64
}

// again finds a place for n bytes after cause has kept the call in progress from it. If cause is
// the end of the buffer, and this Writer is to reconnect, it waits for the next one; else it
// returns cause.
func (w *Writer) again(ctx context.Context, n int, cause error) ([]byte, error) {
	defer func() { w.next.began = time.Time{} }()
	for {
		if err := w.awaitReader(ctx, cause); err != nil {
			return nil, err
		}
		var buf []byte
		if buf, cause = w.findHere(ctx, n); cause == nil {
			return buf, nil
		}
		// A hostile peer could have each new buffer end as soon as this Writer is in it.
		if gone := w.ended(cause); gone != nil {
			if err := w.overdue(ctx, gone); err != nil {
				return nil, err
			}
		}
	}
}

// awaitReader gives up the buffer that has ended, as cause says, and connects to the next one as
// soon as there is one. It returns cause if that is something else.
func (w *Writer) awaitReader(ctx context.Context, cause error) error {
	gone := w.ended(cause)
	if gone == nil {
		return cause
	}
	if w.next.began.IsZero() {
		w.next.began = time.Now()
	}
	w.giveUp(gone)
	var wait burial
	for timer := time.NewTimer(connectEvery); ; timer.Reset(connectEvery) {
		switch err := w.join(); {
		case err == nil:
			return nil
		case !errors.Is(err, ErrBufferNotFound) && !wait.mayCome(err):
			return w.notJoined(gone, err)
		}
		if err := w.overdue(ctx, gone); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// overdue returns an error if the call in progress must not go on to look for the next buffer.
func (w *Writer) overdue(ctx context.Context, gone error) error {
	over := w.opts.WriteTimeout > 0 && time.Since(w.next.began) >= w.opts.WriteTimeout
	switch ended := ctx.Err(); {
	case w.s.closed.Load():
		return ErrClosed
	case ended != nil:
		return w.notJoined(gone, asTimeout(ended, errTimeout))
	case over:
		return w.notJoined(gone, errTimeout)
	}
	return nil
}

// tryAgain is again for a call that must not wait: it looks for the next buffer once, and not at
// each call of a program that calls in a loop. It returns nil if there is no room.
func (w *Writer) tryAgain(n int, cause error) ([]byte, error) {
	gone := w.ended(cause)
	if gone == nil {
		return nil, cause
	}
	w.giveUp(gone)
	if time.Since(w.next.tried) < connectEvery {
		return nil, cause
	}
	switch err := w.join(); {
	case errors.Is(err, ErrBufferNotFound):
		return nil, cause
	case err != nil:
		return nil, w.notJoined(gone, err)
	}
	if err := w.checkSize(n); err != nil {
		return nil, err
	}
	return w.open(n)
}

// ended returns in what way the buffer has ended if cause comes of that and this Writer is to
// reconnect, else nil.
func (w *Writer) ended(cause error) error {
	if !w.opts.Reconnect {
		return nil
	}
	if errors.Is(cause, ErrFrameTooLarge) {
		// Perhaps the reader was started again with a larger ring because of such an error.
		cause = w.lookForReader()
	}
	gone, ok := errors.AsType[*ReaderGoneError](cause)
	switch {
	case ok:
		return gone
	case !errors.Is(cause, ErrSegmentRemoved), errors.Is(cause, ErrSegmentTruncated):
		return nil
	case w.s.between():
		return w.gone
	default:
		return errors.Unwrap(cause) // without the name of the buffer, which comes again
	}
}

func (w *Writer) notJoined(gone, err error) error {
	return w.s.errorf("write frame to", fmt.Errorf("%w; connect to the next one: %w", gone, err))
}

// giveUp gives up the buffer that has ended. The memory goes at once, so that it is there for the
// next reader, and so does the writer's PID: a peer that cleans up spares what has a live writer.
func (w *Writer) giveUp(gone error) {
	if w.s.between() {
		return
	}
	_ = w.ring.Flush() // as long as the memory is there; it may be lost with the rest
	w.gone, w.next.unread = gone, w.ring.Unread()
	w.next.lost.Add(w.next.unread)
	w.doubt.Store(0)
	w.s.log.Warn("the reader is gone; the writer goes on in the next buffer of this name",
		"reason", gone, "frames_lost", w.next.unread)
	// A reader whose segment was removed may live, and learns of the end as it does of a Close.
	wake := errors.Is(gone, ErrSegmentRemoved) && w.mayWake()
	if err := w.s.giveUp(wake); err != nil {
		w.s.log.Error("give up a buffer", "error", err)
	}
}

// giveUp lets go of everything. The session then looks at an OIEB of its own, whose words say that
// there is no reader, so each call that would touch the memory ends before it does.
func (s *session) giveUp(wake bool) error {
	s.endWatch()
	err := errors.Join(s.resign(wake), s.detach(), s.unmap())
	s.seg = layout.Segment{OIEB: new(layout.OIEB)}
	s.seg.OIEB.WriterPID.Store(s.pid)
	return err
}

// between tells whether a Writer has given up a buffer and is in no other one. It is for the call
// in progress, and for Close.
func (s *session) between() bool {
	s.mapped.RLock()
	defer s.mapped.RUnlock()
	return s.unmapped
}

// join connects to the buffer that has the name now, and goes on there.
func (w *Writer) join() error {
	w.next.tried = time.Now()
	fresh, err := connect(w.next.backend, w.s.name, w.opts, w.next.metadata)
	if err != nil {
		return err
	}
	w.move(fresh)
	w.next.reconnects.Add(1)
	w.setMetadataAgain()
	return nil
}

// move takes over the connection that fresh has. The Writer and its session stay the same ones,
// with their counters, for those who use them beside the call in progress: they look at nothing
// of the connection unless they hold mapped.
func (w *Writer) move(fresh *Writer) {
	s, from := w.s, fresh.s
	from.endWatch()
	s.mapped.Lock()
	s.ch, s.seg, s.sem, s.peer = from.ch, from.seg, from.sem, from.peer
	s.pid, s.memory, s.ours = from.pid, from.memory, from.ours
	w.ring, w.gone = fresh.ring, nil
	s.detached.Store(false)
	s.unmapped = false
	s.mapped.Unlock()
	w.doubt.Store(fresh.doubt.Load())
	s.watchPeer(s.seg.OIEB.ReaderPID.Load())
}

// keepMetadata keeps b for the buffers to come, and returns what SetMetadata returns; err is what
// became of b in this buffer. One that has metadata of an earlier writer keeps that, but the next
// one begins without. One whose reader has gone needs none.
func (w *Writer) keepMetadata(b []byte, err error) error {
	if w.ended(err) != nil && len(b) != 0 {
		err = nil
	}
	if w.opts.Reconnect && (err == nil || errors.Is(err, ErrMetadataSet) && w.next.metadata == nil) {
		w.next.metadata = bytes.Clone(b)
	}
	return err
}

// setMetadataAgain sets in a new buffer what was set in the one before. That it fits was checked
// before this writer claimed the buffer; what else goes wrong the next frame meets as well.
func (w *Writer) setMetadataAgain() {
	if w.next.metadata == nil || !errors.Is(w.setMetadata(w.next.metadata), ErrMetadataSet) {
		return
	}
	if there, err := readMetadata(w.s.seg); err != nil || !bytes.Equal(there, w.next.metadata) {
		w.s.log.Warn("the new buffer keeps the metadata that another writer has set")
	}
}
