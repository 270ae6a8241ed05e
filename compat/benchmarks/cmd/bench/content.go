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

func number(frame []byte) uint64 { return binary.LittleEndian.Uint64(frame) }

// sum adds all bytes of a frame, as 64-bit words in four accumulators: what a processor does about
// as fast as it reads. A frame of which a part is lost, old, or there twice changes the sum.
func sum(b []byte) uint64 {
	var s0, s1, s2, s3 uint64
	for len(b) >= 32 {
		s0 += binary.LittleEndian.Uint64(b)
		s1 += binary.LittleEndian.Uint64(b[8:])
		s2 += binary.LittleEndian.Uint64(b[16:])
		s3 += binary.LittleEndian.Uint64(b[24:])
		b = b[32:]
	}
	for len(b) >= 8 {
		s0 += binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	for _, c := range b {
		s0 += uint64(c)
	}
	return s0 + s1 + s2 + s3
}
