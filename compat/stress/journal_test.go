//go:build linux

package stress

import (
	"fmt"
	"hash/fnv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// event is what a process notes in its journal, before or after it did something.
type event uint64

const (
	// Of a writer. Frames are numbered from 0 on by each process.
	attached event = iota + 1 // to a buffer with a ring of Size bytes
	begins                    // frame Seq with Size bytes and checksum Sum
	wrote                     // all frames below Seq: the call has returned without an error
	failed                    // all frames from Seq on that have begun: it returned an error
	detached
	// Of a reader. Seq is the number of the frame as the library tells it.
	created // a buffer with a ring of Size bytes
	read    // the next frame
	newest  // the newest frame; those before it were passed unread
	drained // the writer has gone, and all its frames were read
)

// entry is one line of a journal.
type entry struct {
	What           event
	Seq, Size, Sum uint64
	At             uint64 // the monotonic clock, which all processes share
}

const (
	entryWords   = 5
	journalSize  = 50000 // entries
	journalWords = 1 + journalSize*entryWords
)

// journal is a list of entries in shared memory. An entry counts when the number of entries says
// so, and from then on it is there, whatever becomes of the process.
type journal []atomic.Uint64

// add notes an entry.
func (j journal) add(what event, seq, size, sum uint64) {
	n := j[0].Load()
	if n == journalSize {
		panic("the journal is full")
	}
	for i, v := range []uint64{uint64(what), seq, size, sum, now()} {
		j[1+n*entryWords+uint64(i)].Store(v)
	}
	j[0].Store(n + 1)
}

// entries are all that were noted.
func (j journal) entries() []entry {
	all := make([]entry, j[0].Load())
	for i := range all {
		w := j[1+i*entryWords:]
		all[i] = entry{event(w[0].Load()), w[1].Load(), w[2].Load(), w[3].Load(), w[4].Load()}
	}
	return all
}

// now is the monotonic clock.
func now() uint64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return uint64(ts.Nano())
}

func checksum(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b)
	return h.Sum64()
}

func (e entry) String() string {
	what := map[event]string{
		attached: "attached", begins: "begins", wrote: "wrote", failed: "failed",
		detached: "detached", created: "created", read: "read", newest: "newest", drained: "drained",
	}[e.What]
	return fmt.Sprintf("%v %-8s %4d %5d %016x", time.Duration(e.At), what, e.Seq, e.Size, e.Sum)
}
