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

// sum adds all bytes of a frame, as 64-bit words in four accumulators: what a processor does about
// as fast as it reads, and what the C programs do. A frame of which a part is lost, old, or there
// twice changes the sum.
func sum(b []byte) uint64 {
	var s0, s1, s2, s3 uint64
	// Go unrolls no loops; in shorter steps the additions would take longer than the reading.
	for len(b) >= 128 {
		p := (*[128]byte)(b)
		s0, s1, s2, s3 = s0+word(p[0:]), s1+word(p[8:]), s2+word(p[16:]), s3+word(p[24:])
		s0, s1, s2, s3 = s0+word(p[32:]), s1+word(p[40:]), s2+word(p[48:]), s3+word(p[56:])
		s0, s1, s2, s3 = s0+word(p[64:]), s1+word(p[72:]), s2+word(p[80:]), s3+word(p[88:])
		s0, s1, s2, s3 = s0+word(p[96:]), s1+word(p[104:]), s2+word(p[112:]), s3+word(p[120:])
		b = b[128:]
	}
	for len(b) >= 32 {
		p := (*[32]byte)(b)
		s0, s1, s2, s3 = s0+word(p[0:]), s1+word(p[8:]), s2+word(p[16:]), s3+word(p[24:])
		b = b[32:]
	}
	for len(b) >= 8 {
		s0 += word(b)
		b = b[8:]
	}
	for _, c := range b {
		s0 += uint64(c)
	}
	return s0 + s1 + s2 + s3
}
