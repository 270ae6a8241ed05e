package release

import (
	"runtime"
	"sync/atomic"
	"testing"
)

func TestAddConcurrentSafe(t *testing.T) {
	var n atomic.Uint64
	const most = 100_000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for last := uint64(0); last < most; {
			now := n.Load()
			if now < last {
				t.Errorf("the counter went back from %d to %d", last, now)
				return
			}
			last = now
		}
	}()
	for range most {
		Add(&n, 1)
	}
	<-done
}

// TestStoreConcurrentSafe passes messages: who sees the number of a message sees its content. The
// race detector takes part.
func TestStoreConcurrentSafe(t *testing.T) {
	var ready, taken atomic.Uint64
	var message [4]uint64
	const messages = 5_000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := uint64(1); i <= messages; i++ {
			for ready.Load() != i {
				runtime.Gosched()
			}
			for _, word := range message {
				if word != i {
					t.Errorf("message %d has %d", i, word)
				}
			}
			Store(&taken, i)
		}
	}()
	for i := uint64(1); i <= messages; i++ {
		for j := range message {
			message[j] = i
		}
		Store(&ready, i)
		for taken.Load() != i {
			runtime.Gosched()
		}
	}
	<-done
}
