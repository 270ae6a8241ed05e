package zerobuffer_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// enemy is a backend whose other side is hostile: at each step of ours it changes a word, as a
// script says. It runs in a bubble of testing/synctest. Each step takes a microsecond of the clock
// there, so a call that goes round and round reaches its time-out, and one that takes longer than
// it should is seen, however slow the machine is.
type enemy struct {
	mem         []byte // the segment, right before a page without access
	data, space *enemySemaphore
	pid         uint64 // of this side
	trust       byte   // bits: what the system says of the peer
	hook        func() // unless nil, what it does at each step instead of its script

	mu     sync.Mutex
	script []byte
	died   func()
	rounds int
}

const (
	enemyStep = time.Microsecond
	// enemyEvent is how many bytes of the script are one change.
	enemyEvent = 3
	// What the system says of the peer, as bits of trust; whether its script has no end; and whether
	// its segment looks like one.
	peerAlive, peerOurs, peerBroken, peerEternal, peerFits = 1, 2, 4, 8, 32
)

func newEnemy(mem []byte, trust byte, script []byte) *enemy {
	e := &enemy{mem: mem, pid: 4711, trust: trust, script: script}
	e.data = &enemySemaphore{enemy: e, bell: make(chan struct{}, 1)}
	e.space = &enemySemaphore{enemy: e, bell: make(chan struct{}, 1)}
	return e
}

// step lets the enemy make one change. With peerEternal its script has no end.
func (e *enemy) step() {
	time.Sleep(enemyStep)
	if e.hook != nil {
		e.hook()
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.rounds * enemyEvent
	if e.trust&peerEternal != 0 && len(e.script) >= enemyEvent {
		at %= len(e.script) / enemyEvent * enemyEvent
	}
	if at+enemyEvent > len(e.script) {
		return
	}
	e.rounds++
	e.change(e.script[at], e.script[at+1], e.script[at+2])
}

// change is one change: what, where, and to which value. Plain words are changed without a lock, as
// another process does it.
//
//go:norace
func (e *enemy) change(what, where, how byte) {
	switch what % 16 {
	case 0, 1, 2, 3: // nothing: a script of zeros is a peaceful peer
	case 4:
		e.data.word.Store(e.value(e.data.word.Load(), how))
	case 5:
		e.space.word.Store(e.value(e.space.word.Load(), how))
	case 6: // tokens alone
		e.data.word.Add(uint64(how))
		e.data.Wake()
	case 7:
		e.space.word.Add(uint64(how))
		e.space.Wake()
	case 8:
		if e.died != nil {
			e.died()
			e.died = nil
		}
	case 9, 10, 11, 12: // the OIEB
		e.store(8*int(where%16), how)
	default: // a word of metadata, a header, a payload
		if n := len(e.mem) - layout.OIEBSize; n >= 8 {
			e.store(layout.OIEBSize+8*int(where)%(n-7), how)
		}
	}
}

// store puts a value into the word at offset at. The OIEB is used by atomic operations elsewhere,
// which a store of 8 bytes is on the processors that matter.
//
//go:norace
func (e *enemy) store(at int, how byte) {
	if at+8 > len(e.mem) {
		return
	}
	old := binary.LittleEndian.Uint64(e.mem[at:])
	binary.LittleEndian.PutUint64(e.mem[at:], e.value(old, how))
}

// value makes one of the values that matter of a byte.
func (e *enemy) value(old uint64, how byte) uint64 {
	size := uint64(len(e.mem))
	special := []uint64{
		0, 1, 8, 15, 16, 17, 64, e.pid, e.pid + 1, size - 128, size - 192, size - 193, size - 144,
		size - 127, size, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 | 1, 1<<63 - 1, 1 << 63,
		1<<63 | 1, 1<<63 | 2, 1<<62 - 1, 1<<64 - 1, 1<<64 - 16, 1<<64 - 17,
	}
	if int(how) < len(special) {
		return special[how]
	}
	return old + uint64(int64(int8(how))) // a little more or less
}

func (e *enemy) Name() string { return "enemy" }

// Create formats the memory, and then the enemy has it.
func (e *enemy) Create(_ string, c driver.Config) (driver.Channel, error) {
	if uint64(len(e.mem)) != c.Size {
		return nil, fmt.Errorf("the memory has %d bytes, not %d", len(e.mem), c.Size)
	}
	return e, c.Format(e.mem, e.pid)
}

func (e *enemy) Open(string, driver.Config) (driver.Channel, error) { return e, nil }

func (e *enemy) Memory() []byte                                { return e.mem }
func (e *enemy) Maps(uintptr) bool                             { return false } // none is excused
func (e *enemy) Tune(driver.MemoryOptions) driver.MemoryStatus { return driver.MemoryStatus{} }
func (e *enemy) DataReady() driver.Semaphore                   { return e.data }
func (e *enemy) SpaceReady() driver.Semaphore                  { return e.space }
func (e *enemy) Liveness() driver.Liveness                     { return e }
func (e *enemy) Remove() error                                 { return nil }
func (e *enemy) Close() error                                  { return nil }
func (e *enemy) PID() uint64                                   { return e.pid }
func (e *enemy) Claim(driver.Role) error                       { return nil }
func (e *enemy) Disclaim(driver.Role)                          {}

func (e *enemy) Check() error {
	e.step()
	if e.trust&peerBroken != 0 {
		return driver.ErrSegmentRemoved
	}
	return nil
}

func (e *enemy) Ours(driver.Role) bool { e.step(); return e.trust&peerOurs != 0 }

// Alive takes odd PIDs for those of processes.
func (e *enemy) Alive(_ driver.Role, pid uint64) bool {
	e.step()
	return e.trust&peerAlive != 0 && pid%2 == 1
}

func (e *enemy) Watch(_ uint64, died func()) (stop func()) {
	var calls sync.WaitGroup
	e.mu.Lock()
	defer e.mu.Unlock()
	e.died = func() { calls.Go(died) }
	return func() {
		e.mu.Lock()
		e.died = nil
		e.mu.Unlock()
		calls.Wait()
	}
}

// enemySemaphore is a semaphore in a word that the enemy has, too.
type enemySemaphore struct {
	enemy *enemy
	word  atomic.Uint64
	bell  chan struct{}
}

func (s *enemySemaphore) State() (tokens, waiters uint32) {
	s.enemy.step()
	w := s.word.Load()
	return uint32(w), uint32(w >> 32)
}

func (s *enemySemaphore) Take(limit uint32) uint32 {
	s.enemy.step()
	w := s.word.Load()
	n := min(uint32(w), limit)
	s.word.CompareAndSwap(w, w-uint64(n))
	return n
}

// Wait asks for a limited time: a wait without end could not be ended by a wake that got lost.
func (s *enemySemaphore) Wait(limit uint32, timeout time.Duration) uint32 {
	if timeout < 0 || timeout > time.Second {
		panic(fmt.Sprintf("a wait of %v in the kernel", timeout))
	}
	if n := s.Take(limit); n != 0 {
		return n
	}
	s.word.Add(1 << 32)
	t := time.NewTimer(timeout)
	select {
	case <-s.bell:
	case <-t.C:
	}
	t.Stop()
	if w := s.word.Load(); w>>32 != 0 {
		s.word.CompareAndSwap(w, w-1<<32)
	}
	return s.Take(limit)
}

func (s *enemySemaphore) Post(n uint32) error {
	s.enemy.step()
	if w := s.word.Load(); uint64(uint32(w))+uint64(n) > 1<<31-1 {
		return driver.ErrOverflow
	}
	s.word.Add(uint64(n))
	s.Wake()
	return nil
}

func (s *enemySemaphore) ResetWaiters(tokens, waiters uint32) bool {
	s.enemy.step()
	return s.word.CompareAndSwap(uint64(waiters)<<32|uint64(tokens), uint64(tokens))
}

func (s *enemySemaphore) Wake() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

const (
	// mostAllocated is what a fuzzed session may allocate, far more than one does.
	mostAllocated = 8 << 20
	// mostReal ends a session that goes round without a step.
	mostReal = 20 * time.Second
)

// inBubble runs a session with an enemy, and panics if it does not end or allocates too much. Its
// tests are not parallel, because what others allocate would count.
func inBubble(t *testing.T, session func(t *testing.T)) {
	t.Helper()
	watchdog := time.AfterFunc(mostReal, func() { panic("the session hangs") })
	defer watchdog.Stop()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	synctest.Test(t, session)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > mostAllocated {
		t.Fatalf("the session has allocated %d bytes", n)
	}
}

// within runs a call that may take that long, by the clock of the bubble, and a little for steps.
func within(t *testing.T, most time.Duration, what string, call func()) {
	t.Helper()
	const forSteps = 10 * time.Millisecond
	start := time.Now()
	call()
	if took := time.Since(start); took > most+forSteps {
		t.Fatalf("%s took %v, %v is the most", what, took, most)
	}
}
