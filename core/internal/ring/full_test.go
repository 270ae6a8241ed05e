package ring

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// foreignWrite writes a frame of n bytes as the C++ and Python programs do (contract 3): they use
// every free byte, so read_pos and write_pos may meet in a full ring.
func foreignWrite(seg layout.Segment, data *sem, seq uint64, n int) {
	o, size, total := seg.OIEB, uint64(len(seg.Payload)), uint64(layout.HeaderSize+n)
	w := o.WritePos.Load()
	if tail := size - w; tail < total {
		o.PayloadFree.Add(-tail)
		w = 0
	}
	layout.WriteSize(seg.Payload[w:], uint64(n))
	layout.WriteSeq(seg.Payload[w:], seq)
	for j := range n {
		seg.Payload[w+layout.HeaderSize+uint64(j)] = pattern(seq, j)
	}
	o.WritePos.Store(w + total)
	o.PayloadFree.Add(-total)
	_ = data.Post(1)
}

// fullRing is a ring of 256 bytes that a foreign writer has filled to the brim, in its first or
// second lap, in front of a reader of ours.
type fullRing struct {
	seg         layout.Segment
	data, space *sem
	c           *Consumer
	seq         uint64
}

func newFullRing(t *testing.T, frames, size, laps int) *fullRing {
	t.Helper()
	r := &fullRing{seg: newSegment(256), data: &sem{}, space: &sem{}}
	r.c = NewConsumer(r.seg, r.space)
	for lap := range laps {
		for range frames {
			r.seq++
			foreignWrite(r.seg, r.data, r.seq, size)
			if lap < laps-1 {
				r.c.Release(r.read(t))
				r.c.GiveBack()
			}
		}
	}
	return r
}

func (r *fullRing) read(t *testing.T) (ticket uint64) {
	t.Helper()
	var it Item
	if ok, err := r.c.Next(true, &it); !ok || err != nil {
		t.Fatalf("read a frame: %v, %v", ok, err)
	}
	h := heldFrame{seq: it.Seq, data: r.c.Payload(it)}
	if err := h.check(); err != nil {
		t.Fatal(err)
	}
	return it.Ticket
}

// TestAttachToFullRing attaches a writer of ours behind a foreign one that has left no byte. It
// must not take equal positions for an empty ring, whether the frames are unread or held.
func TestAttachToFullRing(t *testing.T) {
	for _, frames := range []int{1, 4} {
		for _, laps := range []int{1, 2} {
			for _, held := range []bool{false, true} {
				for _, killed := range []bool{false, true} {
					if killed && frames == 1 {
						continue // all bytes are free then: that frame was not written
					}
					name := fmt.Sprintf("frames=%d/laps=%d/held=%v/killed=%v", frames, laps, held, killed)
					t.Run(name, func(t *testing.T) { attachToFull(t, frames, laps, held, killed) })
				}
			}
		}
	}
}

func attachToFull(t *testing.T, frames, laps int, held, killed bool) {
	size := 256/frames - layout.HeaderSize
	r := newFullRing(t, frames, size, laps)
	var tickets []uint64
	if held {
		for range frames {
			tickets = append(tickets, r.read(t))
		}
	}
	if killed { // between write_pos and the subtraction
		r.seg.OIEB.PayloadFree.Add(uint64(256 / frames))
	}
	p := NewProducer(r.seg, r.data, 0)
	rec, err := p.Attach(false)
	if err != nil || rec.Sequence != r.seq {
		t.Fatalf("attach: %+v, %v; want sequence %d", rec, err, r.seq)
	}
	if b, err := p.Open(20); b != nil || err != nil {
		t.Fatalf("there is room in a full ring (%v)", err)
	}
	for range frames - len(tickets) {
		tickets = append(tickets, r.read(t))
	}
	for _, ticket := range tickets {
		r.c.Release(ticket)
	}
	r.c.GiveBack()
	if b, err := p.Open(20); b == nil || err != nil {
		t.Fatalf("there is no room in an empty ring (%v)", err)
	}
}

// TestForeignFrameInTheMakingIsNotFull kills a foreign writer after it has written the header of
// the next frame, in an empty ring. Behind it are zeros, as a marker, and the first frames of the
// stream: all in all a chain around the whole ring, with a start over at number 1.
func TestForeignFrameInTheMakingIsNotFull(t *testing.T) {
	for _, missing := range []uint64{0, 24} { // lost in the accounts of some killed writer before
		r := &fullRing{seg: newSegment(256), data: &sem{}, space: &sem{}}
		r.c = NewConsumer(r.seg, r.space)
		for seq := range uint64(3) {
			foreignWrite(r.seg, r.data, seq+1, 48)
			r.c.Release(r.read(t))
			r.c.GiveBack()
		}
		putFrame(r.seg, 192, 4, 40)
		r.seg.OIEB.WriterPID.Store(7)
		r.seg.OIEB.PayloadFree.Add(-missing)
		require.Equal(t, missing > 0, r.c.Heal(7))
		require.EqualValues(t, 256, r.seg.OIEB.PayloadFree.Load())
		var it Item
		ok, err := r.c.Next(false, &it)
		require.NoError(t, err)
		require.False(t, ok, "frame %d was never published", it.Seq)
	}
}

// TestFullIsForgotten has read_pos come back to where the ring was full when this writer came. By
// then it is not full: the reader holds one small frame there.
func TestFullIsForgotten(t *testing.T) {
	r := &fullRing{seg: newSegment(256), data: &sem{}, space: &sem{}}
	r.c = NewConsumer(r.seg, r.space)
	giveBack := func() {
		r.c.Release(r.read(t))
		r.c.GiveBack()
	}
	foreignWrite(r.seg, r.data, 1, 112)
	giveBack()
	foreignWrite(r.seg, r.data, 2, 112)
	foreignWrite(r.seg, r.data, 3, 112) // full, at 128
	p := NewProducer(r.seg, r.data, 0)
	_, err := p.Attach(false)
	require.NoError(t, err)
	require.True(t, p.full)
	giveBack()
	b, err := p.Open(20)
	require.NoError(t, err)
	for j := range b {
		b[j] = pattern(4, j)
	}
	require.NoError(t, p.Seal(20))
	require.NoError(t, p.Flush())
	giveBack() // read_pos is 128 again
	r.read(t)  // and stays there: this frame is held
	b, err = p.Open(90)
	require.NoError(t, err)
	require.NotNil(t, b, "36 of 256 bytes are taken")
}
