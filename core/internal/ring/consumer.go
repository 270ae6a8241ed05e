package ring

import (
	"fmt"
	"sync/atomic"

	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Consumer is the reader's side of a ring. [Consumer.Next] and [Consumer.Heal] are called by one
// goroutine at a time; [Consumer.Release] and [Consumer.GiveBack] are safe for concurrent use with
// them and with each other.
type Consumer struct {
	view
	space Tokens // sem-r: space came back

	// These belong to the goroutine that calls Next.
	pos      uint64 // where the next header is
	unread   uint64 // published bytes from pos on, as last seen
	expected uint64 // number of the next frame
	usual    uint64 // size of the last frame at which NextSeen has looked
	restarts atomic.Uint64

	held
}

// Item is a frame as it was read: one with Size payload bytes and the number Seq. The ticket stands
// for it until it is released, and is 0 only where nothing was read.
type Item struct {
	Ticket uint64
	Size   int
	Seq    uint64
}

// NewConsumer returns the reader's side of the fresh ring in seg; space is its sem-r.
func NewConsumer(seg layout.Segment, space Tokens) *Consumer {
	c := &Consumer{view: newView(seg), space: space, expected: 1}
	c.debtLimit, c.capacity = min(max(c.size/debtShare, 1), debtMost), c.size
	c.use(newSlots(minSlots))
	c.Hurry(NoHaste)
	return c
}

// Expect begins to fetch the header of the next frame, which the writer has just written, and a
// small payload, beside the positions, to which Next looks first.
func (c *Consumer) Expect() { spin.PrefetchRead(c.data[c.pos:min(c.pos+expectBytes, c.size)]) }

// expectBytes is how many bytes Expect fetches: two cache lines.
const expectBytes = 128

// Next puts the next frame into it, and returns false if there is none. It takes no token: while
// the writer lives the caller must have one. An error leaves the Consumer as it was. An unfinished
// frame counts only if finish is true: its writer is gone and a foreign one has come.
func (c *Consumer) Next(finish bool, it *Item) (bool, error) {
	seen := c.unread
	if seen == 0 {
		err := c.look()
		if c.pos == 0 && c.unread != 0 && err == nil {
			err = c.lookAtStart(finish)
		}
		if err != nil || c.unread == 0 {
			return false, err
		}
	}
	if c.NextSeen(it) {
		return true, nil
	}
	f, err := c.frameAt(c.pos, c.unread)
	if f.head.IsUnfinished() && !finish || err == nil && f.total == 0 {
		// Accounts in progress, maybe a restart at 0 between its two stores, or a wrap whose
		// frame was not there yet at the last look. The token may be that of the frame, so what
		// an older call has seen is no reason to say that there is none.
		c.unread = 0
		if seen != 0 {
			return c.Next(finish, it)
		}
		return false, nil
	}
	if err != nil {
		c.unread = 0
		return false, err
	}
	n := f.head.Number()
	if n != c.expected && n != 1 {
		c.unread = 0
		return false, &SequenceError{Expected: c.expected, Got: n}
	}
	if c.full() && !c.grow(f.waste+f.total) {
		return false, fmt.Errorf("frame %d at %d lies where frames are that were not given back: %w",
			n, f.at, ErrCorrupt)
	}
	if n != c.expected {
		c.restarts.Add(1) // a peer's writer starts again at 1 (contract 5)
	}
	c.skip(f.waste)
	c.pass(f.at, f.head.Size, n, it)
	return true, nil
}

// NextSeen is Next for a usual frame, which an older call has seen. It returns false for all
// others, and leaves them to Next. Now and then it looks whether the writer waits for space.
func (c *Consumer) NextSeen(it *Item) bool {
	if c.sum-c.looked >= payEvery {
		c.Pay()
	}
	left := min(c.unread, c.size-c.pos)
	if left <= layout.HeaderSize || c.full() {
		return false
	}
	h := layout.ReadHeader(c.data[c.pos:])
	// The size is taken from usual, which changes only where the sizes do: so the processor knows
	// where the next frame is, and fetches it, before it has this header.
	if h.Size != c.usual {
		c.usual = h.Size
	}
	size := c.usual
	if h.Seq != c.expected || size-1 >= left-layout.HeaderSize {
		return false
	}
	c.pass(c.pos, size, c.expected, it)
	c.fetchAhead(layout.HeaderSize + size)
	return true
}

const (
	// farAhead is how many bytes in front of the next frame are left out by fetchAhead: most of them
	// are on their way from calls before.
	farAhead = 1 << 10
	// fetchMost is the longest frame, in bytes, header included, that is fetched ahead. A longer one
	// takes so long to read that the processor sees by itself what comes.
	fetchMost = 2 << 10
)

// fetchAhead begins to fetch frames that come soon, as many bytes as the last one had. What is not
// published yet is left to the writer.
func (c *Consumer) fetchAhead(total uint64) {
	if total <= fetchMost && farAhead+total <= min(c.unread, c.size-c.pos) {
		from := c.pos + farAhead
		spin.PrefetchRead(c.data[from : from+total])
	}
}

// skip goes over the waste at the end of a lap.
func (c *Consumer) skip(waste uint64) {
	c.unread -= waste
	c.sum += waste
	if waste >= layout.HeaderSize {
		c.readCount++ // peers count the wrap marker in it
	}
}

// pass puts the frame at offset at, with number n and size payload bytes, into it, and goes behind
// the frame. There is a slot for it.
func (c *Consumer) pass(at, size, n uint64, it *Item) {
	end := at + layout.HeaderSize + size
	c.expected = n + 1
	c.pos = c.fold(end)
	c.unread -= end - at
	c.sum += end - at
	c.readCount++
	*it = Item{Ticket: c.hold(end), Size: int(size), Seq: n}
}

// Payload is the payload of a frame that is held, as a view of the ring with cap == len, and nil of
// one that is not. It is safe for concurrent use.
func (c *Consumer) Payload(it Item) []byte {
	s := c.at(it.Ticket / slotStates)
	end := s.end.Load()
	if s.ticket.Load() != it.Ticket {
		return nil
	}
	// The slot gets the end of another frame only after the release of this one.
	return c.data[end-uint64(it.Size) : end : end]
}

// lookAtStart is done after look if the next frame is at 0: the writer may be about to start again
// there, and between its two stores write_pos belongs to the lap before. So the mark of the frame
// is looked at first: when it is gone, write_pos is stored, and is loaded once more.
func (c *Consumer) lookAtStart(finish bool) error {
	if layout.ReadHeader(c.data).IsUnfinished() && !finish {
		c.unread = 0
		return nil
	}
	step("look-mark")
	return c.look()
}

// look loads write_pos and read_pos again (contract 4a).
func (c *Consumer) look() error {
	// Partner: Producer.Flush, which stores read_pos before write_pos in a restart at 0, so the
	// order of the loads is the other way round.
	w := c.oieb.WritePos.Load()
	if w > c.size {
		return c.beyond("write_pos", w)
	}
	w = c.fold(w)
	step("look-write-pos")
	if c.oieb.ReadPos.Load() != c.published.Load() {
		if err := c.restart(); err != nil {
			return err
		}
	}
	step("look-read-pos")
	c.unread = c.distance(c.pos, w)
	if c.unread == 0 && c.fullAt(c.pos) {
		c.unread = c.size // one frame, or a foreign writer, has filled the ring to the brim
	}
	return nil
}

// restart is called when read_pos is not what this side has stored: it may have done so just now,
// from another goroutine, or the writer starts again at 0, which it does only if this side holds
// and owes nothing.
func (c *Consumer) restart() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.oieb.ReadPos.Load()
	if r == c.published.Load() {
		return nil
	}
	if r != 0 || c.back.Load() != c.taken.Load() {
		return fmt.Errorf("read_pos is %d, this reader stored %d: %w",
			r, c.published.Load(), ErrCorrupt)
	}
	c.published.Store(0)
	c.pos = 0
	return nil
}

// fullAt tells whether equal positions at pos mean a full ring instead of an empty one. The free
// bytes alone cannot tell: a foreign writer stores write_pos first and subtracts later, or never
// if it is killed in between. In an empty ring the frame at pos is an older one, or one that is
// just being written. Then the chain breaks behind it, or leads over zeros to the start of the ring
// and a frame with number 1, but more is free than the last frame of the chain has.
func (c *Consumer) fullAt(pos uint64) bool {
	if c.back.Load() != c.taken.Load() {
		return false // what is held lies between read_pos and pos
	}
	f, err := c.frameAt(pos, c.size)
	if err != nil || f.total == 0 {
		return false
	}
	n, free := f.head.Number(), c.oieb.PayloadFree.Load()
	step("look-free")
	switch {
	case free != 0 && (n != c.expected || f.head.IsUnfinished()):
		return false
	case n != c.expected && n != 1:
		return false
	}
	var before, last uint64 // bytes of the chain in front of its last frame, and of that one
	err = c.walkFirst(chainEnough, pos, c.size, func(f frame) {
		before += last
		last = f.waste + f.total
	})
	return err == nil && free <= c.size-before
}

// chainEnough is how many frames in a row are a chain. A wrong one breaks behind its first frame,
// and a ring of a gigabyte can hold so many that a read would take seconds longer than it may.
const chainEnough = 1 << 12

// BytesRead is how many bytes of the ring were read, headers and waste included. It is for the
// goroutine that calls Next.
func (c *Consumer) BytesRead() uint64 { return c.sum }

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
	step("look-write-pos")
	// Our own word, but for a restart at 0 that this side has not seen yet.
	raw := c.oieb.ReadPos.Load()
	if raw != c.published.Load() && raw != 0 {
		return false
	}
	if h := layout.ReadHeader(c.data); h.IsUnfinished() && raw == 0 &&
		w != 0 && w != layout.HeaderSize+h.Size {
		w = 0 // a restart at 0 that was killed half way: nothing is unread
	}
	r := c.fold(raw)
	f := c.oieb.PayloadFree.Load()
	step("look-free")
	want := c.size - c.distance(r, w)
	if w == r && (c.back.Load() != c.taken.Load() || c.fullAt(r)) {
		want = 0
	}
	if f == want {
		return false
	}
	if c.oieb.WriterPID.Load() != pid || !c.oieb.PayloadFree.CompareAndSwap(f, want) {
		return false
	}
	step("heal")
	return true
}
