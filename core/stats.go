package zerobuffer

// ReaderStats are the counters of a Reader at one moment. The sizes are 0 after Close.
type ReaderStats struct {
	// FramesRead and BytesRead count what was read since the buffer was created.
	FramesRead, BytesRead uint64
	// Held is the number of frames that were read and whose space cannot go back: those that are
	// not released, and those behind them.
	Held int
	// Waits is how often a read found no frame and waited.
	Waits uint64
	// WriterRestarts is how often a writer of another language started again at number 1.
	WriterRestarts uint64
	// Repairs is how often wrong accounts of the free space were put right.
	Repairs uint64
	// PayloadSize is the size of the ring in bytes, PayloadFree what the shared word says is
	// free. It lags: space of released frames goes back some milliseconds later while frames come
	// fast. Peers may leave it wrong for a while.
	PayloadSize, PayloadFree uint64
}

// Stats returns the counters.
func (r *Reader) Stats() ReaderStats {
	st := ReaderStats{
		FramesRead: r.FramesRead(), BytesRead: r.BytesRead(), Held: r.ring.Held(),
		Waits: r.waits.Load(), WriterRestarts: r.ring.Restarts(), Repairs: r.healed.Load(),
	}
	st.PayloadSize, st.PayloadFree = r.s.payload()
	return st
}

// WriterStats are the counters of a Writer at one moment. The sizes are 0 after Close, and while a
// Writer that lost its reader is in no buffer.
type WriterStats struct {
	// FramesWritten and BytesWritten count what this Writer wrote. A frame may be with the reader a
	// moment before it is counted, or be counted a moment before.
	FramesWritten, BytesWritten uint64
	// Waits is how often a write found no room and waited.
	Waits uint64
	// Reconnects is how often this Writer went on in the buffer of a new reader; see
	// [WriterOptions.Reconnect]. FramesLost is the number of frames that were unread in the buffers
	// that it has given up; their readers may have read the last ones of them.
	Reconnects, FramesLost uint64
	// SpaceInDoubt is the number of bytes that may be lost to accounts that a killed writer left
	// half done in front of a reader of another language. They come back when they are needed and
	// it is certain that the reader does not hold them, else when the buffer is made anew.
	SpaceInDoubt uint64
	// PayloadSize is the size of the ring in bytes, PayloadFree what the shared word says is
	// free. It lags: space of released frames goes back some milliseconds later while frames come
	// fast. Peers may leave it wrong for a while.
	PayloadSize, PayloadFree uint64
}

// Stats returns the counters.
func (w *Writer) Stats() WriterStats {
	st := WriterStats{
		FramesWritten: w.FramesWritten(), BytesWritten: w.BytesWritten(),
		Waits: w.waits.Load(), Reconnects: w.next.reconnects.Load(),
		FramesLost: w.next.lost.Load(), SpaceInDoubt: w.doubt.Load(),
	}
	st.PayloadSize, st.PayloadFree = w.s.payload()
	return st
}

// payload is the size of the ring, and what the shared word says is free.
func (s *session) payload() (size, free uint64) {
	_ = s.look(func() error {
		size, free = s.seg.Geometry.PayloadSize, s.seg.OIEB.PayloadFree.Load()
		return nil
	})
	return size, free
}
