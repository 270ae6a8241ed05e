package ring

import (
	"errors"

	"github.com/zerobuffer-go/zerobuffer/core/internal/release"
	"github.com/zerobuffer-go/zerobuffer/core/internal/sentinel"
	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// prefetchMost is how many bytes of the next frame are fetched ahead. Longer frames take so long to
// fill that the processor does it by itself, and for those below prefetchLeast the request takes
// longer than it spares.
const (
	prefetchLeast = 256
	prefetchMost  = 4 << 10
	// frontBytes is how many bytes FetchFront fetches: two cache lines.
	frontBytes = 128
)

// Flush publishes the sealed frames in the order of contract 3a. A kill between any two steps
// leaves a state that [Producer.Attach] tells from all others.
//
// Towards a foreign reader the space is subtracted before the token is posted. Towards ours it is
// the other way round: what that reader waits for comes first, and payload_free_bytes takes no part
// in deciding what is free, see [Producer.refresh]. A frame that fills the ring is the exception:
// only the free bytes tell that it was published (contract 5a).
func (p *Producer) Flush() error {
	b := &p.sealed
	if b.n == 0 {
		return nil
	}
	if b.at[0] == 0 {
		p.beginLap()
	}
	n, bytes := uint64(b.n), b.bytes
	p.advance(n)
	if p.subtractsFirst() {
		p.subtract(bytes)
	}
	p.unmark()
	b.n, b.bytes = 0, 0
	return p.post(n, bytes)
}

// advance adds n frames to written_count and stores write_pos.
func (p *Producer) advance(n uint64) {
	p.count += n
	release.Store(&p.oieb.WrittenCount, p.count)
	step("count")
	// Partner: Consumer.look. The payload and the headers are visible before it.
	release.Store(&p.oieb.WritePos, p.pos)
	step("write-pos")
	release.Store(p.front, p.pos)
}

// subtractsFirst tells whether space is subtracted before the token is posted, see Flush.
func (p *Producer) subtractsFirst() bool { return p.foreign || p.full }

// post posts the tokens of n frames of so many bytes, and then does what can wait. The caller has
// subtracted the bytes if subtractsFirst.
func (p *Producer) post(n, bytes uint64) error {
	// Partner: the reader's Take or State. It makes all of the above visible.
	err := p.ready.Post(uint32(n))
	step("post")
	if bytes >= prefetchLeast {
		p.fetchNext(bytes)
	}
	if !p.subtractsFirst() {
		p.subtract(bytes)
	}
	if err == nil {
		return nil
	}
	return posted(err)
}

// beginLap is the part of Flush that is due when the frame is at 0.
func (p *Producer) beginLap() {
	first := p.sealed.place
	p.sealed.place = place{}
	p.anchored = false
	if first.restart {
		// The reader has given everything back, so it does not store read_pos now.
		release.Store(&p.oieb.ReadPos, 0)
		step("restart")
		p.room, p.nextLook = 0, lookEvery
	}
	if first.tail >= layout.HeaderSize {
		p.count++ // the wrap marker
	}
	if first.tail != 0 {
		p.pace.wasted += first.tail
		p.noteWaste(first.tail)
		p.nextLook = lookEvery
	}
}

// fetchNext begins to fetch the cache lines of what comes next, which is likely to be like the last
// bytes. They are with the reader, from the lap before.
func (p *Producer) fetchNext(bytes uint64) {
	end := min(p.pos+min(bytes, prefetchMost), p.size)
	spin.PrefetchWrite(p.data[p.pos:end])
}

// FetchFront begins to fetch the cache lines to which a short frame goes that is published next,
// unless nothing was published since the call that returned last. It returns what to pass next. It
// is safe for concurrent use, also when the memory is gone: to fetch that does nothing.
func (p *Producer) FetchFront(last uint64) uint64 {
	at := p.front.Load()
	if at != last {
		spin.PrefetchWriteWord(&p.oieb.WritePos)
		spin.PrefetchWrite(p.data[at:min(at+frontBytes, p.size)])
	}
	return at
}

// subtract takes bytes from payload_free_bytes. Partner: the reader's addition; the two commute.
func (p *Producer) subtract(bytes uint64) {
	p.oieb.PayloadFree.Add(-bytes)
	step("subtract")
	p.written += bytes
}

// unmark takes the marks of the sealed frames away.
func (p *Producer) unmark() {
	b := &p.sealed
	first := p.seq - uint64(b.n)
	for i, at := range b.at[:b.n] {
		layout.WriteSeq(p.data[at:], first+uint64(i))
		step("unmark")
	}
}

// noteWaste remembers that a foreign reader will give back the tail too early.
func (p *Producer) noteWaste(tail uint64) {
	if p.foreign {
		p.waste = waste{bytes: tail, until: p.size - p.base + p.written + tail}
	}
}

// posted is the error of a post that failed. One that finds the semaphore full is none: the frame
// is published, and a reader with so many tokens is awake and finds it by its position.
func posted(err error) error {
	if err == nil || errors.Is(err, sentinel.ErrOverflow) {
		return nil
	}
	return errors.Join(ErrCorrupt, err)
}
