package zerobuffer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
)

// debtAge is how long space of released frames may be owed to the writer. The contract says 5 ms.
const debtAge = 4 * time.Millisecond

// secondRelease is after which time a release is visible for certain that was being made when it
// was looked for. Its store leaves the processor after some nanoseconds, or with an interrupt.
const secondRelease = 100 * time.Microsecond

// keeper gives back what a Reader owes while the program neither reads nor releases. Its goroutine
// starts with the first debt, and is parked while there is none.
type keeper struct {
	s     *session
	ring  *ring.Consumer
	awake atomic.Bool // a look will come within debtAge
	start sync.Once
	bell  chan struct{}
	quit  chan struct{}
	ended chan struct{}
}

func newKeeper(s *session, c *ring.Consumer) *keeper { return &keeper{s: s, ring: c} }

// giveBack gives back what is owed and returns how many frames are still held. If the memory is
// gone there is nobody to give it back to.
func (k *keeper) giveBack() (held int) {
	err := k.s.guarded(func() error {
		held = k.ring.GiveBack()
		return nil
	})
	if err != nil {
		held = k.ring.Held()
	}
	return held
}

// note says that something is owed. It is called after each release that gave nothing back.
func (k *keeper) note() {
	if !k.awake.Load() {
		k.wake()
	}
}

// wake has the goroutine look within debtAge.
func (k *keeper) wake() {
	if !k.awake.CompareAndSwap(false, true) {
		return
	}
	k.start.Do(func() {
		k.bell, k.quit, k.ended = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
		go k.run()
	})
	if k.bell != nil { // else it was stopped before the first debt: then each release gives back
		k.bell <- struct{}{} // there is room: only who has set awake comes here
	}
}

func (k *keeper) run() {
	defer close(k.ended)
	for timer := time.NewTimer(0); ; {
		select {
		case <-k.quit:
			return
		case <-k.bell:
		}
		timer.Reset(debtAge)
		select {
		case <-k.quit:
			return
		case <-timer.C:
		}
		k.giveBack()
		k.awake.Store(false)
		// Partner: note, which looks at awake after the release. A release at this moment that
		// still saw somebody awake is visible when the next look comes.
		timer.Reset(secondRelease)
		select {
		case <-k.quit:
			return
		case <-timer.C:
		}
		k.giveBack()
	}
}

// stop ends the goroutine and waits for it. Each release gives back at once from then on.
func (k *keeper) stop() {
	k.start.Do(func() {})
	if k.quit != nil {
		close(k.quit)
		<-k.ended
	}
}
