package zerobuffer

import (
	"sync/atomic"

	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
)

// A process that reads frames and has one Writer most likely answers what it reads. The cache lines
// to which it will write are with the peer then, which has read the last answer, and to get them
// takes about as long as to get the frame. So a Reader that finds a frame has both come at once.
var (
	// openWriters is the number of Writers of this process.
	openWriters atomic.Int32
	// answering is the ring of the Writer that has begun to write last, or to write a new lap.
	answering atomic.Pointer[ring.Producer]
)

// expectAnswer begins to fetch the cache lines of the answer to the frame that was just found. It
// does not while frames stream in, which are not answered one by one, nor where this process has
// written the frame itself: then it may be about to write the next one, on another processor.
func (r *Reader) expectAnswer() {
	if r.credit != 1 || openWriters.Load() != 1 || r.writer.pid == r.s.pid {
		return
	}
	if p := answering.Load(); p != nil {
		r.answered = p.FetchFront(r.answered)
	}
}

// mayAnswer makes the ring of w the one that is expected to answer.
func (w *Writer) mayAnswer() {
	if answering.Load() != w.ring {
		answering.Store(w.ring)
	}
}
