package ring

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Consumer is the reader's side of a ring. [Consumer.Next] and [Consumer.Heal] are called by one
// goroutine at a time; [Consumer.Release] is safe for concurrent use with them and with itself.
type Consumer struct {
	view
	space    Tokens // sem-r: space came back
	pos      uint64 // where the next header is
	unread   uint64 // published bytes from pos on, as last seen
	expected uint64 // number of the next frame
	restarts atomic.Uint64

	mu    sync.Mutex // guards what follows
	read  uint64     // read_pos as published, not folded
	count uint64     // read_count as published
	first *Slot      // held frames, oldest first
	last  *Slot
	spare *Slot // slots that can be used again
	held  int
}

// Slot is a frame that was read and is not given back yet. It is used again for later frames, so
// what refers to it keeps the generation as well.
type Slot struct {
	gen   atomic.Uint64 // odd while held
	next  *Slot
	end   uint64 // read_pos after the frame
	bytes uint64 // what goes back to the writer
	count uint64 // 1, and 1 more for a marker
}

// Gen is the generation of the slot.
func (s *Slot) Gen() uint64 { return s.gen.Load() }

// Item is a frame as it was read. Payload is a view of the ring with cap == len.
type Item struct {
	Payload []byte
	Seq     uint64
	Slot    *Slot
	Gen     uint64
}

// NewConsumer returns the reader's side of the fresh ring in seg; space is its sem-r.
func NewConsumer(seg layout.Segment, space Tokens) *Consumer {
	return &Consumer{view: newView(seg), space: space, expected: 1}
}

// Next returns the next frame, and false if there is none. It takes no token: while the writer
// lives the caller must have one. An error leaves the Consumer as it was. An unfinished frame
// counts only if finish is true: its writer is gone and a foreign one has come.
func (c *Consumer) Next(finish bool) (Item, bool, error) {
	seen := c.unread
	if seen == 0 {
		if err := c.look(); err != nil || c.unread == 0 {
			return Item{}, false, err
		}
	}
	f, err := c.frameAt(c.pos, c.unread)
	if f.head.IsUnfinished() && !finish || err == nil && f.total == 0 {
		// Accounts in progress, maybe a restart at 0 between its two stores, or a wrap whose
		// frame was not there yet at the last look. The token may be that of the frame, so what
		// an older call has seen is no reason to say that there is none.
		c.unread = 0
		if seen != 0 {
			return c.Next(finish)
		}
		return Item{}, false, nil
	}
	if err != nil {
		c.unread = 0
		return Item{}, false, err
	}
	n := f.head.Number()
	if n != c.expected {
		if n != 1 {
			return Item{}, false, &SequenceError{Expected: c.expected, Got: n}
		}
		c.restarts.Add(1) // a peer's writer starts again at 1 (contract 5)
	}
	c.expected = n + 1
	end := f.at + f.total
	c.pos = c.fold(end)
	c.unread -= f.waste + f.total
	slot, gen := c.hold(f, end)
	return Item{c.data[f.at+layout.HeaderSize : end : end], n, slot, gen}, true, nil
}

// look loads write_pos and read_pos again (contract 4a).
func (c *Consumer) look() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Partner: Producer.Flush, which stores read_pos before write_pos in a restart at 0, so the
	// order of the loads is the other way round.
	w, err := c.position("write_pos", c.oieb.WritePos.Load())
	if err != nil {
		return err
	}
	if r := c.oieb.ReadPos.Load(); r != c.read {
		if r != 0 || c.first != nil {
			return fmt.Errorf("read_pos is %d, this reader stored %d: %w", r, c.read, ErrCorrupt)
		}
		c.read, c.pos = 0, 0
	}
	c.unread = c.distance(c.pos, w)
	if c.unread == 0 && c.full(c.pos) {
		c.unread = c.size // one frame, or a foreign writer, has filled the ring to the brim
	}
	return nil
}

// full tells whether equal positions at pos mean a full ring instead of an empty one. The free
// bytes alone cannot tell: a foreign writer stores write_pos first and subtracts later, or never
// if it is killed in between. In an empty ring the frame at pos is an older one, or one that is
// just being written, and then the chain breaks behind it. c.mu is held.
func (c *Consumer) full(pos uint64) bool {
	if c.first != nil {
		return false // what is held lies between read_pos and pos
	}
	f, err := c.frameAt(pos, c.size)
	if err != nil || f.total == 0 {
		return false
	}
	n, free := f.head.Number(), c.oieb.PayloadFree.Load()
	switch {
	case free != 0 && (n != c.expected || f.head.IsUnfinished()):
		return false
	case n != c.expected && n != 1:
		return false
	}
	return c.walk(pos, c.size, func(frame) {}) == nil
}

// hold makes a slot for f and appends it to the held frames.
func (c *Consumer) hold(f frame, end uint64) (*Slot, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.spare
	if s == nil {
		s = new(Slot)
	} else {
		c.spare = s.next
	}
	s.next, s.end, s.bytes, s.count = nil, end, f.waste+f.total, 1
	if f.marker() {
		s.count = 2
	}
	if c.last == nil {
		c.first = s
	} else {
		c.last.next = s
	}
	c.last = s
	c.held++
	return s, s.gen.Add(1)
}

// Release gives a frame back and returns how many are still held. Space goes back in the order of
// the frames, whatever the order of the calls. The second call for the same frame does nothing
// and returns -1.
func (c *Consumer) Release(s *Slot, gen uint64) int {
	if !s.gen.CompareAndSwap(gen, gen+1) {
		return -1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var bytes uint64
	for c.first != nil && c.first.gen.Load()%2 == 0 {
		s := c.first
		c.first = s.next
		c.read = s.end
		c.count += s.count
		bytes += s.bytes
		s.next, c.spare = c.spare, s
		c.held--
	}
	if c.first == nil {
		c.last = nil
	}
	if bytes != 0 {
		c.giveBack(bytes)
	}
	return c.held
}

// giveBack publishes the release position and the space, and tells the writer. The order is that
// of contract 4a: no store to read_pos after the addition, because a writer that finds the ring
// drained may store it then.
func (c *Consumer) giveBack(bytes uint64) {
	c.oieb.ReadPos.Store(c.read)
	step("read-pos")
	c.oieb.ReadCount.Store(c.count)
	step("read-count")
	// Partner: Producer.refresh. A full barrier, so the look at sem-r cannot come before it.
	c.oieb.PayloadFree.Add(bytes)
	step("add")
	// One token is enough: the writer takes it and looks at the free bytes afterwards.
	if tokens, _ := c.space.State(); tokens == 0 {
		// It cannot overflow from 0; a broken peer that makes it so has only itself to blame.
		_ = c.space.Post(1)
	}
}

// Held is the number of frames that were read and are not given back.
func (c *Consumer) Held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// Restarts counts how often a writer started again at sequence number 1.
func (c *Consumer) Restarts() uint64 { return c.restarts.Load() }

// Heal sets payload_free_bytes to what the positions say, where a killed writer or one without
// atomic subtraction left it wrong, and reports whether it was wrong (contract 4a). pid is the
// writer that the caller saw dead or blocked; if it has changed nothing is done.
func (c *Consumer) Heal(pid uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, err := c.position("write_pos", c.oieb.WritePos.Load())
	if err != nil {
		return false
	}
	// Our own word, but for a restart at 0 that this side has not seen yet.
	raw := c.oieb.ReadPos.Load()
	if raw != c.read && raw != 0 {
		return false
	}
	if h := layout.ReadHeader(c.data); h.IsUnfinished() && raw == 0 &&
		w != 0 && w != layout.HeaderSize+h.Size {
		w = 0 // a restart at 0 that was killed half way: nothing is unread
	}
	r := c.fold(raw)
	f := c.oieb.PayloadFree.Load()
	want := c.size - c.distance(r, w)
	if w == r && (c.first != nil || c.full(r)) {
		want = 0
	}
	if f == want {
		return false
	}
	return c.oieb.WriterPID.Load() == pid && c.oieb.PayloadFree.CompareAndSwap(f, want)
}
