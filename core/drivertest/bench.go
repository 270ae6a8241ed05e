package drivertest

import (
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Bench measures what the calls of a backend cost: tokens, looks at the buffer and at the other
// side, and connecting. Each b is the backend of another program.
func Bench(b *testing.B, reader, writer driver.Backend) {
	name := uniqueName("bench")
	ch, err := reader.Create(name, Config(1<<16))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _, _ = ch.Remove(), ch.Close() }()
	other, err := writer.Open(name, Config(0))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _, _ = other.Remove(), other.Close() }()
	// The cost of a token that nobody waits for: two exchanges, no system call.
	b.Run("semaphore=post-take", func(b *testing.B) {
		s := ch.DataReady()
		b.ReportAllocs()
		for b.Loop() {
			_ = s.Post(1)
			s.Take(1)
		}
	})
	b.Run("semaphore=round-trip", func(b *testing.B) {
		benchRoundTrip(b, ch.DataReady(), ch.SpaceReady())
	})
	// What a call that waits pays now and then.
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := ch.Check(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("alive", func(b *testing.B) {
		live, pid := other.Liveness(), ch.Liveness().PID()
		b.ReportAllocs()
		for b.Loop() {
			if !live.Alive(driver.Reader, pid) {
				b.Fatal("the reader is dead")
			}
		}
	})
	// What a writer pays to connect.
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			again, err := writer.Open(name, Config(0))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = again.Remove(), again.Close()
		}
	})
}

// benchRoundTrip lets two goroutines block in the kernel and wake each other.
func benchRoundTrip(b *testing.B, there, back driver.Semaphore) {
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
