package drivertest

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Garbage puts values into the words of the semaphores that no program of any language leaves
// there. Whatever it is, calls end at their time-out, and afterwards frames flow again.
func Garbage(t *testing.T, b driver.Backend, name string, mapped func() (*Enemy, error)) {
	t.Helper()
	const timeout = 5 * time.Millisecond
	r, err := zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{
		PayloadSize: 1024, ReadTimeout: timeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := zerobuffer.NewWriter(b, name, &zerobuffer.WriterOptions{WriteTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	e, err := mapped()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Unmap()
	for _, word := range e.Words {
		for _, value := range []uint64{0, 1, 1<<31 - 2, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1} {
			for _, waiters := range []uint64{0, 1, 1 << 31, 1<<32 - 1} {
				binary.LittleEndian.PutUint64(word, value|waiters<<32)
				requireEnd(t, r, w)
				binary.LittleEndian.PutUint64(word, 0)
				requireFlow(t, r, w, e)
			}
		}
	}
}

// requireEnd reads and writes until neither gets on any more.
func requireEnd(t *testing.T, r *zerobuffer.Reader, w *zerobuffer.Writer) {
	t.Helper()
	hang := time.AfterFunc(chaosLate, func() { panic("a call takes longer than its time-out") })
	defer hang.Stop()
	_, err := r.ReadFrame(background)
	if !errors.Is(err, zerobuffer.ErrTimeout) {
		t.Fatalf("a read without a frame: %v", err)
	}
	for err = nil; err == nil; {
		err = w.WriteFrame(background, make([]byte, 100))
	}
	if !errors.Is(err, zerobuffer.ErrBufferFull) && !errors.Is(err, zerobuffer.ErrCorrupt) {
		t.Fatalf("a write without end: %v", err)
	}
}

// requireFlow empties the ring, with tokens for what is in it, and sends a frame through.
func requireFlow(t *testing.T, r *zerobuffer.Reader, w *zerobuffer.Writer, e *Enemy) {
	t.Helper()
	binary.LittleEndian.PutUint64(e.Words[0], 100)
	for {
		f, ok, err := r.TryReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		f.Release()
	}
	binary.LittleEndian.PutUint64(e.Words[0], 0)
	if err := w.WriteFrame(background, []byte("x")); err != nil {
		t.Fatal(err)
	}
	f, err := r.ReadFrame(background)
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
}
