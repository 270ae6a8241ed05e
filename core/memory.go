package zerobuffer

import (
	"slices"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

type (
	// MemoryOptions is what a side may ask for its mapping of the segment. A refusal does not keep
	// a buffer from being made or a writer from connecting: it is a warning in the log, and in
	// [MemoryStatus].
	MemoryOptions = driver.MemoryOptions
	// MemoryStatus tells what of [MemoryOptions] is in effect, and why the rest is not.
	MemoryStatus = driver.MemoryStatus
	// MemoryError is the reason for one refusal.
	MemoryError = driver.MemoryError
)

// Memory tells what became of [ReaderOptions.Memory]. It does not change after NewReader.
func (r *Reader) Memory() MemoryStatus { return r.s.memoryStatus() }

// Memory tells what became of [WriterOptions.Memory] in the buffer that this Writer is in, or was
// in last.
func (w *Writer) Memory() MemoryStatus { return w.s.memoryStatus() }

func (s *session) memoryStatus() MemoryStatus {
	s.mapped.RLock()
	defer s.mapped.RUnlock()
	st := s.memory
	st.Refused = slices.Clone(st.Refused)
	return st
}

// tune does what is asked for the mapping. It comes last when a side is set up: a side that tries
// again and again to connect shall not do the work each time, nor report it.
func (s *session) tune(o MemoryOptions) {
	if o == (MemoryOptions{}) {
		return
	}
	s.memory = s.ch.Tune(o)
	for _, refused := range s.memory.Refused {
		s.log.Warn("memory option is not in effect",
			"option", refused.Option, "error", refused.Err, "hint", refused.Hint)
	}
}
