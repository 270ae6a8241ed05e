//go:build linux

package stress

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// life is what one process has noted.
type life struct {
	entries []entry
	killed  bool
}

// item is a frame that a writer began, in a buffer.
type item struct {
	entry
	promised bool
	end      int // index behind the session: where it goes on if this frame was never there
}

// history compares what all processes of a round have noted, in the order in which they were
// started, with a FIFO. The rings of the readers differ in size, so that the writers' notes tell
// whose buffer they wrote to.
func history(writers, readers []life) error {
	queues := map[uint64][]item{}
	for i, w := range writers {
		if err := session(w, queues); err != nil {
			return fmt.Errorf("writer %d: %w", i, err)
		}
	}
	for i, r := range readers {
		if len(r.entries) == 0 {
			continue // it was killed before it had a buffer
		}
		size := r.entries[0].Size
		if err := fifo(r, queues[size]); err != nil {
			return fmt.Errorf("reader %d: %w", i, err)
		}
		delete(queues, size)
	}
	for size, q := range queues {
		// A reader that was killed before it could note its buffer has read nothing.
		if !slices.ContainsFunc(readers, func(r life) bool { return len(r.entries) == 0 }) {
			return fmt.Errorf("%d frames went to a ring of %d bytes that nobody made", len(q), size)
		}
	}
	return nil
}

// session appends the frames of a writer to the queues of the rings that it wrote to. A frame that
// failed is not among them; one that was cut by the kill may be there or not.
func session(w life, queues map[uint64][]item) error {
	var ring uint64
	var open []entry // begun, and not known how they ended
	start := 0
	for _, e := range w.entries {
		switch e.What {
		case attached:
			ring, start = e.Size, len(queues[e.Size])
		case begins:
			open = append(open, e)
		case wrote, failed:
			for len(open) > 0 && open[0].Seq < e.Seq {
				queues[ring] = append(queues[ring], item{entry: open[0], promised: true})
				open = open[1:]
			}
			if e.What == failed {
				open = nil
			}
		case detached:
			if len(open) > 0 {
				return fmt.Errorf("it went on after frame %d, which has not ended", open[0].Seq)
			}
		}
	}
	if len(open) > 0 && !w.killed {
		return fmt.Errorf("frame %d has not ended", open[0].Seq)
	}
	for _, e := range open {
		queues[ring] = append(queues[ring], item{entry: e})
	}
	for i := start; i < len(queues[ring]); i++ {
		queues[ring][i].end = len(queues[ring])
	}
	return nil
}

// fifo follows what a reader has read through the queue. Where frames were cut it is not known
// whether they were there, and small frames look alike, so it follows all possibilities at once.
func fifo(r life, q []item) error {
	at := map[int]bool{0: true} // indices of the frame that may come next
	last := uint64(0)
	ended := false
	for _, e := range r.entries[1:] {
		switch e.What {
		case drained:
			ended = true
			continue
		case read:
			if e.Seq != last+1 {
				return fmt.Errorf("number %d came after %d", e.Seq, last)
			}
		case newest:
			if e.Seq <= last {
				return fmt.Errorf("number %d came after %d", e.Seq, last)
			}
		}
		for ; last+1 < e.Seq; last++ {
			at = step(q, at, func(item) bool { return true })
		}
		last = e.Seq
		next := step(q, at, func(f item) bool {
			return f.Size == e.Size && f.Sum == e.Sum && f.At < e.At
		})
		if len(next) == 0 {
			return fmt.Errorf("%v: not what comes next, which is one of %v", e, expected(q, at))
		}
		at = next
	}
	if !ended {
		if r.killed {
			return nil // what was in its buffer has gone with it
		}
		return errors.New("it did not come to an end")
	}
	for i := range reach(q, at) {
		if i == len(q) {
			return nil
		}
	}
	return fmt.Errorf("the end came before %v", expected(q, at))
}

// reach adds the indices that can come instead: a frame that was cut, and all that its process
// began after it, may not have been there.
func reach(q []item, at map[int]bool) map[int]bool {
	all := map[int]bool{}
	for i := range at {
		for all[i] = true; i < len(q) && !q[i].promised; {
			i = q[i].end
			all[i] = true
		}
	}
	return all
}

// step takes the next frame, if it matches.
func step(q []item, at map[int]bool, matches func(item) bool) map[int]bool {
	next := map[int]bool{}
	for i := range reach(q, at) {
		if i < len(q) && matches(q[i]) {
			next[i+1] = true
		}
	}
	return next
}

func expected(q []item, at map[int]bool) (all []item) {
	for i := range reach(q, at) {
		if i < len(q) {
			all = append(all, q[i])
		}
	}
	return all
}

// The model has to refuse each kind of fault, or it would prove nothing. In the cases "2=1" is the
// frame that a writer began as its number 1, read as number 2, "^2=1" is the same by Latest, and
// "." is the end.
func TestModel(t *testing.T) {
	const (
		other = "not what comes next"
		lost  = "the end came before"
		gap   = "came after"
	)
	for name, c := range map[string]struct{ wrote, read, fault string }{
		"all":             {"clean", "1=0 2=1 .", ""},
		"lost":            {"clean", "1=0 .", lost},
		"no-end":          {"clean", "1=0 2=1", "did not come to an end"},
		"twice":           {"clean", "1=0 2=0 .", other},
		"swapped":         {"clean", "1=1 2=0 .", other},
		"torn":            {"clean", "1=0 2=torn .", other},
		"short":           {"clean", "1=0 2=short .", other},
		"gap":             {"clean", "1=0 3=1 .", gap},
		"invented":        {"clean", "1=0 2=1 3=2 .", other},
		"reader-killed":   {"clean", "1=0 killed", ""},
		"killed-and-lost": {"clean", "1=1 killed", other},
		"newest":          {"clean", "^2=1 .", ""},
		"newest-of-more":  {"clean", "^3=1 .", other},
		"newest-again":    {"clean", "1=0 ^1=0 .", gap},
		"cut-not-there":   {"cut second", "1=0 2=50 .", ""},
		"cut-one-there":   {"cut second", "1=0 2=1 3=50 .", ""},
		"cut-both-there":  {"cut second", "1=0 2=1 3=2 4=50 .", ""},
		"cut-and-newest":  {"cut second", "^3=50 .", ""},
		"cut-second-only": {"cut second", "1=0 2=2 3=50 .", other},
		"cut-twice":       {"cut second", "1=0 2=1 3=1 .", other},
		"cut-takes-more":  {"cut second", "1=50 .", other},
		"failed":          {"fails", "1=1 .", ""},
		"failed-there":    {"fails", "1=0 2=1 .", other},
		"batch-in-part":   {"batch", "1=0 .", ""},
		"batch-lost":      {"batch", ".", lost},
		"other-ring":      {"elsewhere", ".", "nobody made"},
		"never-ended":     {"open", "1=0 .", "has not ended"},
	} {
		t.Run(name, func(t *testing.T) {
			var writers []life
			for w := range strings.FieldsSeq(c.wrote) {
				writers = append(writers, cannedWriters[w])
			}
			reader := cannedReader(t, c.read)
			err := history(writers, []life{reader})
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				return
			}
			require.NoError(t, err)
			reader.entries[1].At = 0
			require.ErrorContains(t, history(writers, []life{reader}), other,
				"a frame was read before its write began")
		})
	}
}

const cannedRing = 128

// canned is an entry about frame n, which has a size and a checksum of its own.
func canned(what event, n uint64) entry {
	return entry{What: what, Seq: n, Size: 10 + n, Sum: 1000 + n, At: 1}
}

var cannedWriters = func() map[string]life {
	on, off := entry{What: attached, Size: cannedRing}, entry{What: detached}
	b0, b1, b2 := canned(begins, 0), canned(begins, 1), canned(begins, 2)
	upTo := func(n uint64) entry { return entry{What: wrote, Seq: n} }
	from := func(n uint64) entry { return entry{What: failed, Seq: n} }
	return map[string]life{
		"clean":     {entries: []entry{on, b0, upTo(1), b1, upTo(2), off}},
		"cut":       {entries: []entry{on, b0, upTo(1), b1, b2}, killed: true},
		"second":    {entries: []entry{on, canned(begins, 50), upTo(51), off}},
		"fails":     {entries: []entry{on, b0, from(0), b1, upTo(2), off}},
		"batch":     {entries: []entry{on, b0, b1, b2, from(1), off}},
		"elsewhere": {entries: []entry{{What: attached, Size: 64}, b0, upTo(1), off}},
		"open":      {entries: []entry{on, b0}},
	}
}()

// cannedReader makes the notes of a reader out of the words of a case.
func cannedReader(t *testing.T, words string) life {
	r := life{entries: []entry{{What: created, Size: cannedRing}}}
	for w := range strings.FieldsSeq(words) {
		what := read
		if strings.HasPrefix(w, "^") {
			what, w = newest, w[1:]
		}
		seq, frame, _ := strings.Cut(w, "=")
		var e entry
		switch {
		case w == ".":
			e = entry{What: drained}
		case w == "killed":
			r.killed = true
			continue
		case frame == "torn":
			e = canned(what, 1)
			e.Sum++
		case frame == "short":
			e = canned(what, 1)
			e.Size--
		default:
			n, err := strconv.ParseUint(frame, 10, 64)
			require.NoError(t, err)
			e = canned(what, n)
		}
		e.Seq, _ = strconv.ParseUint(seq, 10, 64)
		e.At = 2
		r.entries = append(r.entries, e)
	}
	return r
}
