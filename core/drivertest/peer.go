package drivertest

import (
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// peer is a program of another language, as far as the wire can tell: it holds a bare channel and
// does what sections 3 and 4 of the contract say that peers do, one frame at a time.
type peer struct {
	c           *C
	ch          driver.Channel
	seg         layout.Segment
	o           *layout.OIEB
	ring        []byte
	size        uint64
	data, space driver.Semaphore
	expected    uint64 // reader: number of the next frame, less 1
	written     uint64 // writer: number of the last frame
}

// got is a frame that a foreign reader holds.
type got struct {
	seq   uint64
	bytes []byte
	total uint64
}

// connect makes the peer the writer, without a claim.
func (p *peer) connect() *peer {
	p.o.WriterPID.Store(p.ch.Liveness().PID())
	return p
}

// read takes one token and one frame, strictly, as the Python reader does.
func (p *peer) read() got {
	c := p.c
	c.Helper()
	for p.data.Wait(1, time.Second) == 0 {
		c.Logf("a foreign reader waits for frame %d", p.expected+1)
	}
	pos := p.o.ReadPos.Load()
	if pos+layout.HeaderSize > p.size {
		c.failf("a foreign reader is lost at %d of %d: no header fits there", pos, p.size)
	}
	h := layout.ReadHeader(p.ring[pos:])
	if h.Size == 0 {
		p.o.PayloadFree.Add(p.size - pos)
		p.o.ReadPos.Store(0)
		p.o.ReadCount.Add(1)
		pos = 0
		h = layout.ReadHeader(p.ring)
	}
	p.expected++
	if h.Seq != p.expected || h.Size == 0 || h.Size > p.size-pos-layout.HeaderSize {
		c.failf("a foreign reader expects frame %d at %d and finds size %d, sequence word %#x",
			p.expected, pos, h.Size, h.Seq)
	}
	total := layout.HeaderSize + h.Size
	end := pos + total
	if end == p.size {
		end = 0
	}
	p.o.ReadPos.Store(end)
	p.o.ReadCount.Add(1)
	return got{h.Seq, p.ring[pos+layout.HeaderSize : pos+total], total}
}

// release gives a frame back.
func (p *peer) release(g got) {
	p.o.PayloadFree.Add(g.total)
	p.c.must(p.space.Post(1))
}

// readAll reads and releases the frames up to number last, and compares them.
func (p *peer) readAll(last uint64, size func(seq uint64) int) {
	p.c.Helper()
	for p.expected < last {
		g := p.read()
		p.c.same(g.bytes, g.seq, size(g.seq))
		p.release(g)
	}
}

// write writes a frame as the Python writer does, with its short tails; there must be room.
func (p *peer) write(n int) {
	p.written++
	p.put(p.written, payload(p.written, n))
}

// put writes a frame with any number.
func (p *peer) put(seq uint64, b []byte) {
	total := uint64(layout.HeaderSize + len(b))
	pos := p.o.WritePos.Load()
	if tail := p.size - pos; tail < total {
		if tail >= layout.HeaderSize {
			p.header(pos, 0, 0)
		}
		p.o.PayloadFree.Add(-tail)
		p.o.WritePos.Store(0)
		p.o.WrittenCount.Add(1)
		pos = 0
	}
	p.header(pos, uint64(len(b)), seq)
	copy(p.ring[pos+layout.HeaderSize:], b)
	p.o.WritePos.Store(pos + total)
	p.o.PayloadFree.Add(-total)
	p.o.WrittenCount.Add(1)
	p.c.must(p.data.Post(1))
}

// header writes any header anywhere.
func (p *peer) header(at, size, seq uint64) {
	layout.WriteSize(p.ring[at:], size)
	layout.WriteSeq(p.ring[at:], seq)
}

// head reads the header at at.
func (p *peer) head(at uint64) layout.Header { return layout.ReadHeader(p.ring[at:]) }

// memory is a copy of the segment.
func (p *peer) memory() string { return string(p.ch.Memory()) }

// tokens is the value of a semaphore.
func tokens(s driver.Semaphore) uint32 {
	n, _ := s.State()
	return n
}
