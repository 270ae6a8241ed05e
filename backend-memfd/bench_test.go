//go:build linux

package memfdshm

import (
	"fmt"
	"os"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func benchChannel(b *testing.B) driver.Channel {
	ch, err := New(&Options{Dir: b.TempDir()}).Create("bench", driver.Config{Size: 1 << 16})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = ch.Remove(), ch.Close() })
	return ch
}

// The cost of a token that nobody waits for: two exchanges, no system call.
func BenchmarkSemaphorePostTake(b *testing.B) {
	s := benchChannel(b).DataReady()
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Post(1)
		s.Take(1)
	}
}

// Two goroutines that block in the kernel and wake each other.
func BenchmarkSemaphoreRoundTrip(b *testing.B) {
	ch := benchChannel(b)
	there, back := ch.DataReady(), ch.SpaceReady()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			switch there.Wait(2, -1) {
			case 2: // the end
				return
			case 1:
				_ = back.Post(1)
			}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		_ = there.Post(1)
		for n := uint32(0); n == 0; {
			n = back.Wait(1, -1)
		}
	}
	_ = there.Post(2)
	<-done
}

// What a call that waits pays now and then.
func BenchmarkChannelCheck(b *testing.B) {
	ch := benchChannel(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := ch.Check(); err != nil {
			b.Fatal(err)
		}
	}
}

// What a writer pays to connect, the mapping of 1 MiB included.
func BenchmarkOpen(b *testing.B) {
	backend, name := New(&Options{Abstract: true}), fmt.Sprintf("zerobuffer-bench-%d", os.Getpid())
	reader, err := backend.Create(name, driver.Config{Size: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _, _ = reader.Remove(), reader.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		writer, err := backend.Open(name, driver.Config{})
		if err != nil {
			b.Fatal(err)
		}
		_, _ = writer.Remove(), writer.Close()
	}
}

// What a writer asks of the reader's process: whether it lives.
func BenchmarkAlive(b *testing.B) {
	backend := New(&Options{Dir: b.TempDir()})
	reader, err := backend.Create("bench", driver.Config{Size: 1 << 16})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _, _ = reader.Remove(), reader.Close() }()
	writer, err := backend.Open("bench", driver.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _, _ = writer.Remove(), writer.Close() }()
	life, pid := writer.Liveness(), reader.Liveness().PID()
	b.ReportAllocs()
	for b.Loop() {
		if !life.Alive(driver.Reader, pid) {
			b.Fatal("the reader is dead")
		}
	}
}
