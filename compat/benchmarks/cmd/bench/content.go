package main

import "encoding/binary"

// content makes n bytes that peers in other languages make as well. The first eight bytes are the
// place of the frame's number.
func content(n int) []byte {
	b := make([]byte, n)
	for i := 8; i < n; i++ {
		b[i] = byte(i)
	}
	return b
}

func setNumber(frame []byte, n uint64) { binary.LittleEndian.PutUint64(frame, n) }

func number(frame []byte) uint64 { return word(frame) }

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// sum adds all bytes of a frame, as 64-bit words: what a processor does about as fast as it reads,
// and what the C programs do. A frame of which a part is lost, old, or there twice changes the sum.
func sum(b []byte) uint64 {
	var s uint64
	if n := len(b) &^ 31; n != 0 {
		s, b = sumBlocks(b[:n]), b[n:]
	}
	for len(b) >= 8 {
		s += word(b)
		b = b[8:]
	}
	for _, c := range b {
		s += uint64(c)
	}
	return s
}
