// Package pattern fills frames with known bytes and verifies them: the patterns of the peers' test
// tools (wire contract, section 8). Frames are counted from 0.
package pattern

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Pattern is a rule that gives every byte of every frame.
type Pattern uint8

// The patterns. None fills nothing and accepts everything.
const (
	None Pattern = iota
	// Sequential: byte j of frame i is (i+j) mod 256.
	Sequential
	// Random: pseudo-random bytes that depend on the frame's number alone. The bytes differ
	// from those of the tools in other languages, which differ among themselves too.
	Random
	// Zero: every byte is 0.
	Zero
	// Ones: every bit is 1.
	Ones
)

var names = [...]string{"none", "sequential", "random", "zero", "ones"}

// String returns the name that [Parse] takes.
func (p Pattern) String() string {
	if int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("pattern %d", uint8(p))
}

// Parse returns the pattern of the given name.
func Parse(name string) (Pattern, error) {
	for p, n := range names {
		if n == name {
			return Pattern(p), nil
		}
	}
	return None, fmt.Errorf("parse pattern %q: use one of %v", name, names)
}

// chunk is how much is filled or compared at once: small enough for the innermost cache, and a
// multiple of 256, so that each chunk of a sequential frame starts with the same byte.
const chunk = 16 << 10

var sequence, zeroes, ones [chunk + 256]byte

func init() {
	for i := range sequence {
		sequence[i] = byte(i)
		ones[i] = 0xff
	}
}

// period returns at least chunk bytes from which a frame of a periodic pattern can be copied,
// chunk by chunk.
func (p Pattern) period(frame uint64) []byte {
	switch p {
	case Sequential:
		return sequence[frame%256:]
	case Zero:
		return zeroes[:]
	case Ones:
		return ones[:]
	default:
		return nil
	}
}

// Fill writes the bytes of the given frame into dst.
func (p Pattern) Fill(dst []byte, frame uint64) {
	if p == Random {
		fillRandom(dst, frame, 0)
		return
	}
	source := p.period(frame)
	if source == nil {
		return
	}
	for len(dst) > 0 {
		dst = dst[copy(dst, source[:chunk]):]
	}
}

// Verify compares a whole frame with the pattern. The error, a [*MismatchError], tells of the
// first wrong byte.
func (p Pattern) Verify(data []byte, frame uint64) error {
	if p == None {
		return nil
	}
	source := p.period(frame)
	var scratch [chunk]byte
	for at := 0; at < len(data); at += chunk {
		got := data[at:min(at+chunk, len(data))]
		want := source
		if p == Random {
			want = scratch[:]
			fillRandom(want, frame, uint64(at))
		}
		if !bytes.Equal(got, want[:len(got)]) {
			return mismatch(p, frame, at, got, want)
		}
	}
	return nil
}

// fillRandom writes the random bytes of a frame from the given offset, a multiple of 8, on. Each
// word is a hash (splitmix64) of the frame's number and the word's place, so that verifying can
// start anywhere.
func fillRandom(dst []byte, frame, offset uint64) {
	const golden = 0x9e3779b97f4a7c15
	x := (frame+1)*0xd1342543de82ef95 + offset/8*golden
	for len(dst) >= 8 {
		x += golden
		binary.LittleEndian.PutUint64(dst, mix(x))
		dst = dst[8:]
	}
	if len(dst) > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], mix(x+golden))
		copy(dst, last[:])
	}
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
