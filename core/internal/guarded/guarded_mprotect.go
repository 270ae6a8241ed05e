//go:build linux || darwin

package guarded

import (
	"os"
	"syscall"
	"testing"
)

func newMemory(tb testing.TB, size int) []byte {
	page := os.Getpagesize()
	room := (size+page-1)/page*page + page
	mem, err := syscall.Mmap(-1, 0, room, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = syscall.Munmap(mem) })
	if err := syscall.Mprotect(mem[room-page:], syscall.PROT_NONE); err != nil {
		tb.Fatal(err)
	}
	start := (room - page - size) &^ 7
	return mem[start : start+size : start+size]
}
