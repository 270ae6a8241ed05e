package layout_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/internal/golden"
	"github.com/zerobuffer-go/zerobuffer/core/internal/guarded"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// FuzzAttach gives arbitrary memory: no panic, nothing written, blocks inside the memory, and an
// error that says whether to try again.
func FuzzAttach(f *testing.F) {
	f.Add(segment(f))
	f.Add(read(f, "fresh"))
	f.Add(read(f, "distinct"))
	f.Add(golden.Read(f, "../testdata/wrapped.hex"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		mem := guarded.New(t, len(data))
		copy(mem, data)
		seg, err := layout.Attach(mem)
		if !bytes.Equal(mem, data) {
			t.Fatal("Attach wrote")
		}
		switch {
		case err == nil:
			requireInside(t, seg, mem)
		case errors.Is(err, layout.ErrNotReady) == errors.Is(err, layout.ErrIncompatible):
			t.Fatalf("error %q is not of exactly one kind", err)
		}
	})
}

// FuzzHeader writes what it has read.
func FuzzHeader(f *testing.F) {
	f.Add(read(f, "frame"))
	f.Add(read(f, "unfinished"))
	f.Add(read(f, "marker"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < layout.HeaderSize {
			return
		}
		h := layout.ReadHeader(data)
		if h.Number()>>63 != 0 || h.IsWrap() != (h.Size == 0 && h.Seq == 0) {
			t.Fatalf("%+v has number %d, wrap %v", h, h.Number(), h.IsWrap())
		}
		b := bytes.Repeat([]byte{0xee}, len(data))
		layout.WriteSize(b, h.Size)
		layout.WriteSeq(b, h.Seq)
		rest := bytes.Trim(b[layout.HeaderSize:], "\xee")
		if !bytes.Equal(b[:16], data[:16]) || len(rest) != 0 {
			t.Fatalf("header %x became %x", data[:16], b[:16])
		}
	})
}
