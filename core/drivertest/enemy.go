package drivertest

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Enemy is what a hostile peer has mapped: the segment, and words of the two semaphores.
type Enemy struct {
	Segment []byte
	Words   [2][]byte
	Unmap   func()
}

// enemy changes words until the end, of whatever buffer there is.
func enemy(end time.Time, seed uint64, mapped func() (*Enemy, error)) error {
	r := rand.New(rand.NewPCG(seed, 3))
	changes, buffers := 0, 0
	for time.Now().Before(end) {
		e, err := mapped()
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		buffers++
		changes += e.rage(r, time.Now().Add(time.Duration(r.IntN(60))*time.Millisecond))
		e.Unmap()
	}
	testproc.Say("%d words of %d buffers were changed", changes, buffers)
	return nil
}

// rage changes words of one buffer. How fast and which is chosen anew for each, because with all of
// them at once a session would end before it comes to anything.
func (e *Enemy) rage(r *rand.Rand, end time.Time) (changes int) {
	mood := r.IntN(8)
	burst, pause := 1+r.IntN(1000), time.Duration(r.IntN(2000))*time.Microsecond
	for time.Now().Before(end) {
		for range burst {
			e.change(r, mood)
			changes++
		}
		if pause > 200*time.Microsecond { // else at full speed
			time.Sleep(pause)
		}
	}
	return changes
}

// change changes one word.
func (e *Enemy) change(r *rand.Rand, mood int) {
	ring := max(len(e.Segment)-layout.OIEBSize-64, 64)
	at := 8 * r.IntN(len(e.Segment)/8)
	word := e.Segment
	switch mood {
	case 0: // any word
	case 1: // any field of the OIEB
		at = 8 * r.IntN(layout.OIEBSize/8)
	case 2: // positions and free bytes
		at = 0x28 + 8*r.IntN(3)
	case 3: // headers at the positions, and behind them
		pos := binary.LittleEndian.Uint64(e.Segment[0x30+8*r.IntN(2):])
		at = len(e.Segment) - ring + int(pos%uint64(ring))&^7 - 16*r.IntN(2)
		at = min(max(at, 0), len(e.Segment)-8)
	case 4, 5: // a semaphore
		at, word = 0, e.Words[r.IntN(2)]
	case 6: // PIDs
		at = 0x50 + 8*r.IntN(2)
	default: // metadata
		at = 0x10 + 8*r.IntN(2)
	}
	old := binary.LittleEndian.Uint64(word[at:])
	binary.LittleEndian.PutUint64(word[at:], chaosValue(r, old, uint64(ring)))
}

// chaosValue is a random value, or one that matters.
func chaosValue(r *rand.Rand, old, ring uint64) uint64 {
	special := []uint64{
		0, 1, 16, ring, ring - 1, ring + 1, ring - 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
		1 << 60, 1<<63 - 1, 1 << 63, 1<<64 - 1, 1<<64 - 16, uint64(os.Getpid()), 1, 1 << 21,
	}
	switch n := r.IntN(10); {
	case n < 4:
		return special[r.IntN(len(special))]
	case n < 6:
		return old + 1
	case n < 8:
		return old - 1
	case n < 9:
		return r.Uint64N(ring + 1)
	}
	return r.Uint64()
}
