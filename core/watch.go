package zerobuffer

import (
	"context"
	"sync"
	"time"
)

// wakeEvery is how often a block that has to end is woken.
const wakeEvery = time.Millisecond

// watcher ends the blocked call of a session when its context ends. It has at most one goroutine,
// started at the first call that blocks with a context that can end. A context that is used for
// many calls is handed over once.
type watcher struct {
	session *session
	start   sync.Once
	next    chan (<-chan struct{}) // hands a Done channel to the goroutine
	quit    chan struct{}
	ended   chan struct{}
	current <-chan struct{} // what the goroutine has; used by the call in progress only
}

// arm makes the end of ctx wake the session. It is called by the call in progress, when it is
// about to block: the first Done of a context may allocate.
func (w *watcher) arm(ctx context.Context) {
	done := ctx.Done()
	if done == nil || done == w.current {
		return
	}
	w.start.Do(func() {
		w.next = make(chan (<-chan struct{}))
		w.quit, w.ended = make(chan struct{}), make(chan struct{})
		go w.run()
	})
	w.next <- done
	w.current = done
}

// run waits for the end of the armed context. The call counts up blocks before it looks at its
// context for the last time, so either it sees the end or run sees it blocked.
func (w *watcher) run() {
	defer close(w.ended)
	var done <-chan struct{}
	for {
		select {
		case <-w.quit:
			return
		case done = <-w.next:
		case <-done:
			done = nil
			w.session.endBlock()
		}
	}
}

// stop ends the goroutine and waits for it: a wake-up that it has begun touches the memory, which
// goes next. No call is in progress, and none will come.
func (w *watcher) stop() {
	w.start.Do(func() {})
	if w.quit != nil {
		close(w.quit)
		<-w.ended
	}
}
