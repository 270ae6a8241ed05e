package zerobuffer

import "time"

const (
	// napPart of the ring is what the reader may read while the writer sleeps: one of napPart.
	napPart = 8
	// napMost is how long one sleep lasts at most: nothing else ends it.
	napMost = time.Millisecond
	// napLeast is the shortest sleep that is worth it. The system adds about as much.
	napLeast = 50 * time.Microsecond
)

// naps keeps account of how often a ring is found full, in front of a reader of another language.
// Such a reader posts a token for each frame that it gives back, and has to wake who waits for one.
// That takes it some microseconds and this side many more, for one frame. So a writer that keeps
// finding the ring full sleeps a while before it waits.
type naps struct {
	full    time.Time // when it was found so last
	written uint64    // payload bytes that had been written then
}

// next is how long to sleep when a ring of size bytes is full: about as long as the reader takes
// for one of napPart of it, going by how many bytes had room since it was full last. It is 0 if
// those were as many, or none.
func (n *naps) next(now time.Time, written, size uint64) time.Duration {
	took, bytes := now.Sub(n.full), written-n.written
	n.full, n.written = now, written
	part := size / napPart
	if bytes == 0 || bytes >= part {
		return 0
	}
	nap := float64(took) * float64(part) / float64(bytes)
	if nap < float64(napLeast) {
		return 0
	}
	return time.Duration(min(nap, float64(napMost)))
}

// nap sleeps, if it is time to.
func (w *Writer) nap(wt *wait) {
	if w.s.ours || w.opts.Wait == WaitSpin || w.ring.Unsettled() {
		return
	}
	size := w.s.seg.Geometry.PayloadSize
	time.Sleep(w.naps.next(w.s.clock(wt), w.BytesWritten(), size))
}
