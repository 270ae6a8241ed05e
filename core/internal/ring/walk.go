package ring

import (
	"fmt"
	"math"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// frame is one frame as found in the ring.
type frame struct {
	at    uint64 // offset of its header
	waste uint64 // bytes skipped in front of it, at the end of the lap before
	total uint64 // header and payload; 0 if there is only waste so far
	head  layout.Header
}

// frameAt reads the frame at pos, of which at most left bytes have been published. A marker, or a
// tail too short for one, is followed to offset 0. Nothing that the header says is trusted.
func (v *view) frameAt(pos, left uint64) (frame, error) {
	f := frame{at: pos}
	tail := v.size - pos
	if tail >= layout.HeaderSize {
		f.head = layout.ReadHeader(v.data[pos:])
	}
	if tail < layout.HeaderSize || f.head.IsWrap() {
		f.at, f.waste = 0, tail
		if tail == left {
			return f, nil
		}
		if tail > left {
			return f, fmt.Errorf("wrap marker at %d, but the writer is at %d: %w",
				pos, pos+left, ErrCorrupt)
		}
		left -= tail
		f.head = layout.ReadHeader(v.data)
		if f.head.IsWrap() {
			return f, fmt.Errorf("wrap marker at 0 behind one at %d: %w", pos, ErrCorrupt)
		}
	}
	if left < layout.HeaderSize || f.head.Size > left-layout.HeaderSize {
		return f, fmt.Errorf("frame at %d has %d bytes, but only %d were written there: %w",
			f.at, f.head.Size, left, ErrCorrupt)
	}
	f.total = layout.HeaderSize + f.head.Size
	if f.total > v.size-f.at {
		return f, fmt.Errorf("frame at %d has %d bytes and crosses the end of the ring at %d: %w",
			f.at, f.head.Size, v.size, ErrCorrupt)
	}
	return f, nil
}

// walk calls visit for each frame in the left bytes from pos on. The chain must end exactly
// there, and the numbers must follow each other; 1 is legal anywhere, because a peer's writer
// starts again with it.
func (v *view) walk(pos, left uint64, visit func(frame)) error {
	return v.walkFirst(math.MaxUint64, pos, left, visit)
}

// walkFirst is walk that ends after most frames.
func (v *view) walkFirst(most, pos, left uint64, visit func(frame)) error {
	var last uint64
	for ; left > 0 && most > 0; most-- {
		f, err := v.frameAt(pos, left)
		if err != nil {
			return err
		}
		left -= f.waste + f.total
		pos = v.fold(f.at + f.total)
		if f.total == 0 {
			continue
		}
		if n := f.head.Number(); last != 0 && n != last+1 && n != 1 {
			return fmt.Errorf("frame %d follows frame %d at %d: %w", n, last, f.at, ErrCorrupt)
		}
		last = f.head.Number()
		visit(f)
	}
	return nil
}

// mostMarked is how many unfinished frames in a row are remembered. A killed writer leaves one
// batch; that of a later release may be larger.
const mostMarked = 16 * batchMax

// chain is what a walk over published frames found out.
type chain struct {
	frames uint64  // how many
	first  uint64  // number of the first one
	last   uint64  // number of the last one
	marked []frame // the unfinished ones at the end
	atZero bool    // whether one of them starts at offset 0
}

// unread walks over the left bytes from r on.
func (v *view) unread(r, left uint64) (chain, error) {
	var c chain
	marked := 0
	err := v.walk(r, left, func(f frame) {
		c.last = f.head.Number()
		if c.frames == 0 {
			c.first = c.last
		}
		c.frames++
		c.atZero = c.atZero || f.at == 0
		switch {
		case !f.head.IsUnfinished():
			c.marked, marked = c.marked[:0], 0
		case marked < mostMarked:
			c.marked = append(c.marked, f)
			fallthrough
		default:
			marked++
		}
	})
	if err == nil && marked > mostMarked {
		err = fmt.Errorf("%d frames in a row are unfinished, a writer leaves %d at most: %w",
			marked, batchMax, ErrCorrupt)
	}
	return c, err
}

// lastNumber finds the number of the last frame when nothing is unread: that of the frame which
// ends at w. With w == 0 the lap was just finished, or a peer stopped in a wrap: then the chain of
// that lap is followed as long as it holds. If it breaks, the frame at 0 was overwritten by one
// that was never published.
func (v *view) lastNumber(w uint64) (uint64, error) {
	if w != 0 {
		c, err := v.unread(0, w)
		return c.last, err
	}
	var first, last, pos uint64
	for v.size-pos >= layout.HeaderSize {
		h := layout.ReadHeader(v.data[pos:])
		if h.IsWrap() {
			break
		}
		n := h.Number()
		inside := h.Size <= v.size-pos-layout.HeaderSize
		switch {
		case first == 0 && !inside:
			return 0, fmt.Errorf("frame at 0 has %d bytes, the ring has %d: %w",
				h.Size, v.size, ErrCorrupt)
		case first == 0:
			first = n
		case !inside || n != last+1 && n != 1:
			return first - 1, nil
		}
		last = n
		pos += layout.HeaderSize + h.Size
	}
	return last, nil
}
