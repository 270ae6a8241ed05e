package main

// sumBlocks adds the words of b, whose length is a multiple of 32 and not 0. It takes the
// instructions that gcc -O2 makes of the same loop: Go's compiler adds one word at a time, which
// takes twice as long as reading from the cache, so a ratio to a C program would be one of compilers.
//
//go:noescape
func sumBlocks(b []byte) uint64
