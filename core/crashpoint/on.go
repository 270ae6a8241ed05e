//go:build zbsteps

package crashpoint

import (
	"os"
	"sync/atomic"
)

// handler is what [Handle] has set, with the number of places that were passed since.
type handler struct {
	passed atomic.Uint64
	act    func(n uint64, name string)
}

var current atomic.Pointer[handler]

// At marks a place between two changes of what others see. It calls what [Handle] has set.
func At(name string) {
	if h := current.Load(); h != nil {
		h.act(h.passed.Add(1), name)
	}
}

// Handle has act called at each place that any goroutine passes from now on, with its number: 1 for
// the next one. nil ends that.
func Handle(act func(n uint64, name string)) {
	if act == nil {
		current.Store(nil)
		return
	}
	current.Store(&handler{act: act})
}

// KillWhen ends this process, as SIGKILL does, at the first place for which when returns true:
// nothing is cleaned up, and the goroutine that has come there goes no further.
func KillWhen(when func(n uint64, name string) bool) {
	Handle(func(n uint64, name string) {
		if !when(n, name) {
			return
		}
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {} // until the kill arrives
	})
}
