package zerobuffer

import (
	"context"
	"time"
)

// Rest is how long a blocked call sleeps until it looks after its peer.
func (r *Reader) Rest() time.Duration { return r.s.rest(false) }

// RestAgain is the same after a look that has found nothing new.
func (r *Reader) RestAgain() time.Duration { return r.s.rest(true) }

// RestInVain is how long it sleeps after a token in vain, if it was last before.
func (r *Reader) RestInVain(last time.Duration) (time.Duration, error) {
	w := wait{every: last}
	_, err := r.s.inVain(context.Background(), &w)
	return w.every, err
}

// Rest is how long a blocked call sleeps until it looks after its peer.
func (w *Writer) Rest() time.Duration { return w.s.rest(false) }

// Blocks is how often a call has waited for a token in the kernel.
func (w *Writer) Blocks() uint64 { return w.s.blocks.Load() / 2 }

// Naps is what decides how long a writer sleeps.
type Naps = naps

// Due is what a writer asks when it finds the ring full.
func (n *naps) Due(now time.Time, written, size uint64) bool { return n.due(now, written, size) }

// NapTime is how long it sleeps.
const NapTime = napTime

// OpenWriters is the number of Writers of this process.
func OpenWriters() int { return int(openWriters.Load()) }

// Answering tells whether a Writer of this process is expected to answer.
func Answering() bool { return answering.Load() != nil }

// Answered is where that Writer had got to when this Reader has fetched the place of its answer.
func (r *Reader) Answered() uint64 { return r.answered }
