package zerobuffer

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// A segment and its semaphores are files, and a process of the same user can cut them off while
// they are mapped. An access behind the new end is a fault (SIGBUS on Unix) that ends a Go program
// whatever it does. So each way into this package has faults of its goroutine made panics, and
// turns those in memory of the channel into an error.

// guard makes faults of this goroutine panics, and returns whether they were that before.
func guard() bool { return debug.SetPanicOnFault(true) }

// unguard ends what guard began, and is deferred with its result.
func unguard(before bool, ch driver.Channel, err *error) {
	debug.SetPanicOnFault(before)
	if r := recover(); r != nil {
		if *err = faultIn(ch, r); *err == nil {
			panic(r)
		}
	}
}

// faultIn returns an error if r, which was recovered, is a fault in memory of ch.
func faultIn(ch driver.Channel, r any) error {
	fault, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok || !ch.Maps(fault.Addr()) {
		return nil
	}
	return fmt.Errorf("%w by another program while it was in use: what is in it is lost; close it, "+
		"and let the reader create it anew", ErrSegmentTruncated)
}

// guarded calls f under guard.
func (s *session) guarded(f func() error) (err error) {
	defer unguard(guard(), s.ch, &err)
	return f()
}
