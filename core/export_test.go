package zerobuffer

import "time"

// Rest is how long a blocked call sleeps until it looks after its peer.
func (r *Reader) Rest() time.Duration { return r.s.rest() }

// Rest is how long a blocked call sleeps until it looks after its peer.
func (w *Writer) Rest() time.Duration { return w.s.rest() }

// OpenWriters is the number of Writers of this process.
func OpenWriters() int { return int(openWriters.Load()) }
