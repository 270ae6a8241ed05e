package ring

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/zerobuffer-go/zerobuffer/core/internal/release"
)

const (
	// debtShare is the part of the ring that may be owed to the writer: one of debtShare.
	debtShare = 8
	// debtMost is the most bytes that may be owed in a larger ring, so that a writer that does
	// little but write finds the front of the ring free at the end of its short lap.
	debtMost = shortLap / 4
	// debtFrames is how many frames may be owed: their slots should stay in the cache.
	debtFrames = 256
	// minSlots is how many slots there are at first. The number is a power of two.
	minSlots = 64
)

// slot is a frame that was read and whose space has not gone back yet. It is used again for later
// frames, so what refers to it has the ticket of its frame.
type slot struct {
	ticket atomic.Uint64 // see the states below
	end    atomic.Uint64 // read_pos after the frame
	sum    uint64        // bytes that go back with this frame and all before it
	count  uint64        // read_count after the frame
}

// The low bits of a ticket are the state of the slot, and the others how many frames were read
// before this one, so no two frames have the same. A frame counts as held until its release is
// through, so the memory stays mapped that long.
const (
	slotFree      = 0
	slotHeld      = 1
	slotReleasing = 2
	slotStates    = 4
)

// held is the queue of frames that were read and whose space has not gone back: those that are
// held, and those that are owed to the writer.
type held struct {
	slots     []*slot                 // a queue in a ring; Next alone
	shared    atomic.Pointer[[]*slot] // the same for all goroutines
	taken     atomic.Uint64           // frames that were read; stored by Next alone
	sum       uint64                  // bytes of all frames that were read; Next alone
	readCount uint64                  // read_count after the last frame that was read; Next alone
	looked    uint64                  // sum at the last look for a waiting writer; Next alone
	debtLimit uint64                  // bytes that may be owed
	capacity  uint64                  // bytes of the ring

	eager     atomic.Uint64 // give back at the release of a frame with this sum or a larger one
	mu        sync.Mutex    // held by the one who gives back
	back      atomic.Uint64 // frames that were given back; stored with mu held
	given     atomic.Uint64 // bytes that were given back; stored with mu held
	published atomic.Uint64 // read_pos as published, not folded; stored with mu held
}

// use has slots used from now on.
func (h *held) use(slots []*slot) {
	h.slots = slots
	h.shared.Store(&slots)
}

func newSlots(n int) []*slot {
	block, slots := make([]slot, n), make([]*slot, n)
	for i := range slots {
		slots[i] = &block[i]
	}
	return slots
}

// full tells whether there is no slot for another frame. Partner: GiveBack, which has done with a
// slot before it stores back.
func (h *held) full() bool { return h.taken.Load()-h.back.Load() == uint64(len(h.slots)) }

// hold appends the frame that was read last, which ends at end, to the queue, which is not full,
// and returns its ticket.
func (h *held) hold(end uint64) (ticket uint64) {
	taken := h.taken.Load()
	s := h.slots[taken&uint64(len(h.slots)-1)]
	s.sum, s.count = h.sum, h.readCount
	release.Store(&s.end, end)
	ticket = taken*slotStates + slotHeld
	release.Store(&s.ticket, ticket)
	release.Store(&h.taken, taken+1)
	return ticket
}

// at is the slot of the frame before which n others were read, or of a later one if it was given
// back.
func (h *held) at(n uint64) *slot {
	slots := *h.shared.Load()
	return slots[n&uint64(len(slots)-1)]
}

// Holds tells whether the frame with this ticket is held.
func (h *held) Holds(ticket uint64) bool {
	return h.at(ticket/slotStates).ticket.Load() == ticket
}

// grow doubles the number of slots. Those that are in use keep their addresses. It returns false if
// another total bytes cannot be in the ring together with what is held: a broken writer goes on
// over that, round and round, and there would be no end to the slots.
func (h *held) grow(total uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sum-h.given.Load()+total > h.capacity {
		return false
	}
	slots := newSlots(2 * len(h.slots))
	taken := h.taken.Load()
	for i := h.back.Load(); i < taken; i++ {
		slots[i&uint64(len(slots)-1)] = h.at(i)
	}
	h.use(slots)
	return true
}

// Released is what has become of a release.
type Released int

// The outcomes of a release.
const (
	Stale Released = iota // the frame was released before
	Owed                  // its space goes back later
	Due                   // the caller calls GiveBack
)

// Release gives a frame back. Space goes back in the order of the frames, whatever the order of the
// calls, and not at once: see [Consumer.GiveBack]. Nothing that a peer can reach is touched.
func (c *Consumer) Release(ticket uint64) Released {
	s := c.at(ticket / slotStates)
	if !s.ticket.CompareAndSwap(ticket, ticket-slotHeld+slotReleasing) {
		return Stale
	}
	sum := s.sum // before the slot is free for a later frame
	due := sum-c.given.Load() >= c.debtLimit || c.taken.Load()-c.back.Load() >= debtFrames
	// Partner: GiveBack. This is no barrier for the load of eager: who sets it gives back at once,
	// and looks once more a moment later if something seems to be held.
	release.Store(&s.ticket, ticket-slotHeld+slotFree)
	if due || sum >= c.eager.Load() {
		return Due
	}
	return Owed
}

// payEvery is how many bytes are read between two looks whether the writer waits for space.
const payEvery = 4 << 10

// Pay gives back what is owed if the writer is seen waiting for it.
func (c *Consumer) Pay() {
	c.looked = c.sum
	if c.back.Load() == c.taken.Load() {
		return
	}
	if _, waiters := c.space.State(); waiters != 0 {
		c.GiveBack()
	}
}

// Haste is which releases give back at once, although little is owed.
type Haste int

// The kinds of haste.
const (
	NoHaste   Haste = iota
	LastFrame       // that of the frame that was read last
	EachFrame
)

// Hurry sets the haste. It is called by the goroutine that calls Next.
func (c *Consumer) Hurry(h Haste) {
	eager := uint64(math.MaxUint64)
	switch h {
	case EachFrame:
		eager = 0
	case LastFrame:
		eager = c.sum
	}
	if c.eager.Load() != eager {
		c.eager.Store(eager)
	}
}

// CouldRestart tells whether nothing more is known to be unread, so far from the start of the ring
// that the writer would start again at 0 if all went back. While frames stream in, the writer looks
// whether it can only now and then, so it is not told of less than lookAgain.
func (c *Consumer) CouldRestart(streaming bool) bool {
	return c.unread == 0 && c.pos >= lookEvery &&
		(!streaming || c.sum-c.given.Load() >= lookAgain)
}

// GiveBack publishes the release position and the space of all frames that were released in a row,
// tells the writer, and returns how many frames are still held. Between two calls this side owes
// the space of released frames to the writer. Contract 4a limits that: everything goes back before
// this side blocks, at once when the writer is seen waiting ([Consumer.Pay]) or an eighth of the
// ring is owed, and in any case after 5 ms, for which the caller has to see.
//
// The order is that of contract 4a: no store to read_pos after the addition, because a writer that
// finds the ring drained may store it then.
func (c *Consumer) GiveBack() (held int) {
	if c.back.Load() == c.taken.Load() {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	back, taken := c.released(), c.taken.Load()
	if back == c.back.Load() {
		return int(taken - back)
	}
	last := c.at(back - 1)
	end, bytes := last.end.Load(), last.sum-c.given.Load()
	// Last, because who sees that nothing is out, without mu, may let the memory go; and in any
	// case, also when the memory behind the words is gone and an access ends in a panic.
	defer c.back.Store(back)
	c.published.Store(end)
	release.Store(&c.oieb.ReadPos, end)
	step("read-pos")
	release.Store(&c.oieb.ReadCount, last.count)
	step("read-count")
	// Partner: Producer.refresh. A full barrier, so the look at sem-r cannot come before it.
	c.oieb.PayloadFree.Add(bytes)
	step("add")
	c.given.Store(last.sum)
	// One token is enough: the writer takes it and looks at the free bytes afterwards.
	if tokens, _ := c.space.State(); tokens == 0 {
		// It cannot overflow from 0; a broken peer that makes it so has only itself to blame.
		_ = c.space.Post(1)
		step("give-back")
	}
	return int(taken - back)
}

// Held is the number of frames that were read and are not released, and of those behind them.
func (c *Consumer) Held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.taken.Load() - c.released())
}

// released is the number of frames that were released in a row, from the first one on. mu is held.
func (h *held) released() uint64 {
	back, taken := h.back.Load(), h.taken.Load()
	for back < taken && h.at(back).ticket.Load()%slotStates == slotFree {
		back++
	}
	return back
}
