package main

import "encoding/binary"

// xor combines every byte of b with key, eight at a time.
func xor(b []byte, key byte) {
	wide := uint64(key) * 0x0101010101010101
	for len(b) >= 8 {
		binary.NativeEndian.PutUint64(b, binary.NativeEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= key
	}
}
