//go:build linux

package death

import (
	"errors"
	"strings"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// side is one side of one buffer.
type side struct {
	r *zerobuffer.Reader
	w *zerobuffer.Writer
}

func (s side) close() error {
	if s.r != nil {
		return s.r.Close()
	}
	return s.w.Close()
}

// state is what a side does while something happens to the other one.
type state struct {
	name   string
	reader bool
	spin   bool // it waits without a block
	// group picks the tests that use the state.
	group string
	// wait returns when the call ends that waits, or a call after the event.
	wait func(s side) error
}

const (
	blocked = "blocked" // one call that blocks until the other side acts
	between = "between" // short calls, with pauses in which things happen
	alone   = "alone"   // no other side has come
)

// watchdog is how long a process may take for one round of a test before it ends as hung. It is no
// requirement.
const watchdog = 25 * time.Second

// pause is a while without a call.
const pause = 5 * time.Millisecond

var states = []state{
	{"read-frame", true, false, blocked, readFrame},
	{"read-batch", true, false, blocked, func(s side) error {
		frames := make([]zerobuffer.Frame, 8)
		n, err := s.r.ReadBatch(background, frames)
		for _, f := range frames[:n] {
			f.Release()
		}
		return err
	}},
	{"wait-metadata", true, false, blocked, func(s side) error {
		_, err := s.r.WaitMetadata(background)
		return err
	}},
	{"write-frame", false, false, blocked, writeFull},
	{"reserve", false, false, blocked, func(s side) error {
		if err := fill(s.w); err != nil {
			return err
		}
		_, err := s.w.Reserve(background, 1000)
		return err
	}},
	{"wait-drained", false, false, blocked, func(s side) error {
		if err := s.w.WriteFrame(background, []byte{1}); err != nil {
			return err
		}
		return s.w.WaitDrained(background)
	}},
	{"between-reads", true, false, between, func(s side) error {
		for {
			_, err := s.r.ReadFrame(background) // has a short time-out
			if !errors.Is(err, zerobuffer.ErrTimeout) {
				return err
			}
			time.Sleep(pause)
		}
	}},
	{"between-writes", false, false, between, func(s side) error {
		for {
			if err := s.w.WriteFrame(background, []byte{1}); err != nil {
				return err
			}
			time.Sleep(pause)
		}
	}},
	{"commit", false, false, between, func(s side) error {
		for {
			if _, err := s.w.Reserve(background, 1); err != nil {
				return err
			}
			time.Sleep(pause)
			if err := s.w.Commit(1); err != nil {
				return err
			}
		}
	}},
	{"read-frame-spin", true, true, blocked, readFrame},
	{"write-frame-spin", false, true, blocked, writeFull},
	{"wait-writer", true, false, alone, func(s side) error { return s.r.WaitWriter(background) }},
	{"read-alone", true, false, alone, readFrame},
}

func readFrame(s side) error {
	f, err := s.r.ReadFrame(background)
	f.Release()
	return err
}

// writeFull blocks in a write: the ring is full before.
func writeFull(s side) error {
	if err := fill(s.w); err != nil {
		return err
	}
	return s.w.WriteFrame(background, make([]byte, 1000))
}

func fill(w *zerobuffer.Writer) error {
	for {
		if ok, err := w.TryWriteFrame(make([]byte, 1000)); !ok || err != nil {
			return err
		}
	}
}

// choose returns the states of a list of names, such as "read-frame,reserve".
func choose(list string) []state {
	var all []state
	for name := range strings.SplitSeq(list, ",") {
		for _, s := range states {
			if s.name == name {
				all = append(all, s)
			}
		}
	}
	return all
}

// namesOf returns the list of the states that want tells.
func namesOf(want func(state) bool) string {
	var all []string
	for _, s := range states {
		if want(s) {
			all = append(all, s.name)
		}
	}
	return strings.Join(all, ",")
}

// open is the surviving side of a state: a reader makes the buffer, a writer waits for it.
func (st state) open(b driver.Backend, name string) (side, error) {
	mode := zerobuffer.WaitAdaptive
	if st.spin {
		mode = zerobuffer.WaitSpin
	}
	if !st.reader {
		w, err := zerobuffer.OpenWriter(background, b, name, &zerobuffer.WriterOptions{Wait: mode})
		return side{w: w}, err
	}
	o := readerOptions()
	o.Wait = mode
	if st.group == between {
		o.ReadTimeout = time.Millisecond
	}
	r, err := zerobuffer.NewReader(b, name, o)
	return side{r: r}, err
}

// readerOptions are for a buffer that each user may open.
func readerOptions() *zerobuffer.ReaderOptions {
	return &zerobuffer.ReaderOptions{PayloadSize: 1 << 16, MetadataSize: 64, Mode: 0o666}
}

// patient are the same for a reader of the test itself, whose calls must not hang.
func patient() *zerobuffer.ReaderOptions {
	o := readerOptions()
	o.ReadTimeout = watchdog
	return o
}

// meet waits for the first frame of the other side, so that it is known.
func (st state) meet(s side) error {
	if !st.reader || st.group == alone {
		return nil
	}
	for {
		f, err := s.r.ReadFrame(background)
		if errors.Is(err, zerobuffer.ErrTimeout) {
			continue
		}
		f.Release()
		return err
	}
}
