package zerobuffer

import (
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const (
	// napTime is how long a writer sleeps. Go's timers are no finer than a millisecond where nothing
	// else runs. A time-out, a context, Close or a death of the reader may come so much later.
	napTime = time.Millisecond
	// napPart of the ring has to last the reader that long: one of napPart. So it has always
	// something to read, also if the sleep takes longer.
	napPart = 8
)

// naps keeps account of how often a ring is found full, in front of a reader of another language.
// Such a reader posts a token for each frame that it gives back, and has to wake who waits for one.
// That takes it some microseconds and this side many more, for one frame. So a writer that keeps
// finding the ring full sleeps a while before it waits.
type naps struct {
	full    time.Time // when it was found so last
	written uint64    // bytes that had been written then
}

// due tells whether to sleep when a ring of size bytes is full: if so little of it had room since
// it was full last, in such a time, that the reader takes napTime at least for one of napPart.
func (n *naps) due(now time.Time, written, size uint64) bool {
	took, bytes := now.Sub(n.full), written-n.written
	n.full, n.written = now, written
	part := size / napPart
	if bytes == 0 || bytes >= part {
		return false
	}
	return float64(took)*float64(part) >= float64(napTime)*float64(bytes)
}

// nap sleeps, if it is time to.
func (w *Writer) nap() {
	if w.s.ours || w.opts.Wait == WaitSpin || w.ring.Unsettled() {
		return
	}
	written := w.BytesWritten() + layout.HeaderSize*w.FramesWritten()
	if w.naps.due(time.Now(), written, w.s.seg.Geometry.PayloadSize) {
		time.Sleep(napTime)
	}
}
