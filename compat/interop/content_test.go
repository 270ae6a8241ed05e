//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/sha3"
	"fmt"
	"testing"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// What frames hold: the same as in testdata/content.py, where it is explained.
const (
	contentPeriod = 1048573
	largestFrame  = 4 << 20
)

var contentTable = func() []byte {
	table := make([]byte, contentPeriod+largestFrame)
	shake := sha3.NewSHAKE256()
	_, _ = shake.Write([]byte("zerobuffer interop"))
	_, _ = shake.Read(table)
	return table
}()

// content returns frame i of n bytes. It is shared: do not change it.
func content(i, n int) []byte {
	start := i * 40503 % contentPeriod
	return contentTable[start : start+n : start+n]
}

// sizes says how large each frame is: from a list that repeats, or mixed from 1 to Max bytes.
type sizes struct {
	List []int  `json:"list,omitempty"`
	Seed uint64 `json:"seed"`
	Max  int    `json:"max"`
}

func fixed(list ...int) sizes              { return sizes{List: list} }
func mixed(seed uint64, largest int) sizes { return sizes{Seed: seed, Max: largest} }

// of returns the size of frame i.
func (s sizes) of(i int) int {
	if len(s.List) > 0 {
		return s.List[i%len(s.List)]
	}
	x := s.Seed + uint64(i) + 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	x ^= x >> 31
	span := uint64(max(1, s.Max>>(x&7)))
	return 1 + int((x>>8)%span)
}

// frame returns frame i.
func (s sizes) frame(i int) []byte { return content(i, s.of(i)) }

// check compares frame i with what was sent.
func (s sizes) check(t *testing.T, i int, got []byte) {
	t.Helper()
	want := s.frame(i)
	if bytes.Equal(got, want) {
		return
	}
	if len(got) != len(want) {
		t.Fatalf("frame %d has %d bytes, expected %d", i, len(got), len(want))
	}
	for j := range got {
		if got[j] != want[j] {
			t.Fatalf("frame %d of %d bytes differs at byte %d: %#x, expected %#x",
				i, len(got), j, got[j], want[j])
		}
	}
}

// write writes the frames first..first+n-1.
func (s sizes) write(t *testing.T, ctx context.Context, w *zerobuffer.Writer, first, n int) {
	t.Helper()
	if err := s.send(ctx, w, first, n); err != nil {
		t.Fatal(err)
	}
}

// send does the same for a goroutine that is not the test's.
func (s sizes) send(ctx context.Context, w *zerobuffer.Writer, first, n int) error {
	for i := first; i < first+n; i++ {
		if err := w.WriteFrame(ctx, s.frame(i)); err != nil {
			return fmt.Errorf("write frame %d of %d bytes: %w\n%s",
				i, s.of(i), err, state(w.Name()))
		}
	}
	return nil
}

// read reads the frames first..first+n-1 and compares every byte.
func (s sizes) read(t *testing.T, ctx context.Context, r *zerobuffer.Reader, first, n int) {
	t.Helper()
	for i := first; i < first+n; i++ {
		frame, err := r.ReadFrame(ctx)
		if err != nil {
			t.Fatalf("read frame %d of %d bytes: %v\n%s", i, s.of(i), err, state(r.Name()))
		}
		s.check(t, i, frame.Bytes())
		frame.Release()
	}
}
