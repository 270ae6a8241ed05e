//go:build linux

package posixshm

import "testing"

func benchSemaphores(b *testing.B) (there, back *semaphore) {
	backend := New(&Options{TempDir: b.TempDir()})
	ch, err := backend.Create(prefix+"bench", testConfig(1<<16))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = ch.Remove(), ch.Close() })
	c := ch.(*channel)
	return &c.sems[0].semaphore, &c.sems[1].semaphore
}

// The cost of a token that nobody waits for: two exchanges, no system call.
func BenchmarkSemaphorePostTake(b *testing.B) {
	s, _ := benchSemaphores(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Post(1)
		s.Take(1)
	}
}

// Two goroutines that block in the kernel and wake each other.
func BenchmarkSemaphoreRoundTrip(b *testing.B) {
	there, back := benchSemaphores(b)
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
	backend := New(&Options{TempDir: b.TempDir()})
	ch, err := backend.Create(prefix+"bench", testConfig(1<<16))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = ch.Remove(), ch.Close() })
	b.ReportAllocs()
	for b.Loop() {
		if err := ch.Check(); err != nil {
			b.Fatal(err)
		}
	}
}
