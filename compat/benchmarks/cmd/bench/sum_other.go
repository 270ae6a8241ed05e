//go:build !amd64

package main

// sumBlocks adds the words of b, whose length is a multiple of 32 and not 0, in four accumulators.
func sumBlocks(b []byte) uint64 {
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
	return s0 + s1 + s2 + s3
}
