package driver

import (
	"errors"
	"fmt"
)

// MemoryOptions is what may be asked for the mapping of one side, beyond having it. A buffer works
// without any of it, so what cannot be had is reported and stops nothing. None of it changes a byte
// of the segment or concerns the mapping of the other side. The zero value asks for nothing.
type MemoryOptions struct {
	// Prefault puts all pages into the page table of this process at once. Without it the first
	// access to each page, in the first lap of the ring, costs a page fault.
	Prefault bool
	// HugePages makes the memory of huge pages as far as they fit in, and copies what is there
	// into them: fewer entries in the page table and its caches.
	HugePages bool
	// Lock keeps the pages in memory, so that an access never waits for swap. It prefaults as
	// well.
	Lock bool
}

// MemoryStatus tells what became of [MemoryOptions]: each thing that was asked for is either in
// Active or has an error in Refused.
type MemoryStatus struct {
	// Active is what is in effect.
	Active MemoryOptions
	// Refused says why the rest is not, and what to do about it.
	Refused []*MemoryError
}

// MemoryError says why one of [MemoryOptions] is not in effect.
type MemoryError struct {
	// Option is the name of its field.
	Option string
	// Err is the cause: the error of the system, or one that matches [errors.ErrUnsupported].
	Err error
	// Hint says what to do: the limit, the file, the value. It is empty if nothing helps.
	Hint string
}

// Error gives the cause and the way out.
func (e *MemoryError) Error() string {
	text := fmt.Sprintf("use memory option %s: %v", e.Option, e.Err)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap returns the cause.
func (e *MemoryError) Unwrap() error { return e.Err }

// MemorySteps is how a backend does each of [MemoryOptions]. A step returns nil when it is in
// effect, and need not fill in the Option of its error. A nil step is not supported.
type MemorySteps struct {
	HugePages, Prefault, Lock func() *MemoryError
}

// Tune does what o asks for: huge pages before their entries in the page table, and the lock last.
func (m MemorySteps) Tune(o MemoryOptions) MemoryStatus {
	var st MemoryStatus
	for _, step := range []struct {
		option string
		asked  bool
		do     func() *MemoryError
		active *bool
	}{
		{"HugePages", o.HugePages, m.HugePages, &st.Active.HugePages},
		{"Prefault", o.Prefault, m.Prefault, &st.Active.Prefault},
		{"Lock", o.Lock, m.Lock, &st.Active.Lock},
	} {
		if !step.asked {
			continue
		}
		err := &MemoryError{Err: fmt.Errorf("%w by this backend", errors.ErrUnsupported)}
		if step.do != nil {
			err = step.do()
		}
		if err == nil {
			*step.active = true
			continue
		}
		err.Option = step.option
		st.Refused = append(st.Refused, err)
	}
	return st
}
