package ring

import (
	"encoding/binary"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// hostileSegment lays arbitrary bytes over everything that a peer can write: the five shared words
// and the ring.
func hostileSegment(b []byte) (layout.Segment, []byte) {
	seg := newSegment(192)
	words := []interface{ Store(uint64) }{
		&seg.OIEB.PayloadFree, &seg.OIEB.WritePos, &seg.OIEB.ReadPos,
		&seg.OIEB.WrittenCount, &seg.OIEB.ReadCount,
	}
	for _, w := range words {
		if len(b) < 8 {
			break
		}
		w.Store(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	n := copy(seg.Payload, b)
	return seg, b[n:]
}

// seeds are a fresh ring, one with frames, and words at their limits.
func seeds(f *testing.F) {
	f.Add(make([]byte, 240))
	seg := newSegment(192)
	data := &sem{}
	p := NewProducer(seg, data, 0)
	if _, err := p.Attach(true); err != nil {
		f.Fatal(err)
	}
	for range 3 {
		b, _ := p.Open(20)
		b[0] = 1
		_ = p.Seal(20)
	}
	_ = p.Flush()
	full := make([]byte, 40, 240)
	binary.LittleEndian.PutUint64(full, 84)
	binary.LittleEndian.PutUint64(full[8:], 108)
	f.Add(append(full, seg.Payload...))
	for _, v := range []uint64{1, 191, 192, 193, 1 << 63, ^uint64(0)} {
		b := make([]byte, 240)
		for i := range 5 {
			binary.LittleEndian.PutUint64(b[8*i:], v)
		}
		f.Add(b)
	}
}

// FuzzConsumer reads from a ring of arbitrary bytes: every view lies inside, nothing panics, and
// it comes to an end.
func FuzzConsumer(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		seg, rest := hostileSegment(b)
		c := NewConsumer(seg, &sem{})
		for i := range 50 {
			var it Item
			ok, err := c.Next(i%2 == 0, &it)
			if err != nil || !ok {
				c.Heal(0)
				continue
			}
			b := c.Payload(it)
			if len(b) != it.Size || len(b) > len(seg.Payload)-layout.HeaderSize || cap(b) != len(b) {
				t.Fatalf("a view of %d bytes, cap %d, of a frame of %d", len(b), cap(b), it.Size)
			}
			for j := range b {
				b[j]++ // inside the mapping, or this panics
			}
			if len(rest) > 0 && rest[0]%2 == 0 {
				c.Release(it.Ticket)
				rest = rest[1:]
			}
		}
	})
}

// FuzzProducer attaches to a ring of arbitrary bytes and writes.
func FuzzProducer(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		seg, rest := hostileSegment(b)
		data := &sem{waiters: uint32(len(b) % 2)}
		p := NewProducer(seg, data, int64(len(b)%100))
		before := string(seg.Payload)
		words := [3]uint64{
			seg.OIEB.PayloadFree.Load(), seg.OIEB.WritePos.Load(), seg.OIEB.ReadPos.Load(),
		}
		if _, err := p.Attach(len(b)%3 == 0); err != nil {
			after := [3]uint64{
				seg.OIEB.PayloadFree.Load(), seg.OIEB.WritePos.Load(), seg.OIEB.ReadPos.Load(),
			}
			if string(seg.Payload) != before || after != words || data.tokens != 0 {
				t.Fatalf("Attach: %v, and the segment has changed", err)
			}
			return
		}
		for i := range 30 {
			n := uint64(1)
			if len(rest) > 0 {
				n, rest = 1+uint64(rest[0])%p.MaxPayload(), rest[1:]
			}
			b, err := p.Open(n)
			if err != nil || b == nil {
				break
			}
			if uint64(len(b)) != n || uint64(cap(b)) != n {
				t.Fatalf("a view of %d bytes, cap %d, for a frame of %d", len(b), cap(b), n)
			}
			for j := range b {
				b[j] = byte(i)
			}
			if p.Seal(n) != nil || p.Flush() != nil || p.Settle() != nil {
				break
			}
		}
		p.Unread()
		p.QuietReader()
	})
}
