package zerobuffer_test

import (
	"bytes"
	"context"
	"math/rand"
	"testing"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

func TestSmoke(t *testing.T) {
	for _, size := range []int64{64, 128, 256, 1024, 4096} {
		m := inproc.NewMachine()
		r, err := zerobuffer.NewReader(m.Process(), "a", &zerobuffer.ReaderOptions{PayloadSize: size})
		if err != nil {
			t.Fatal(err)
		}
		w, err := zerobuffer.NewWriter(m.Process(), "a", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		const n = 20000
		go func() {
			rnd := rand.New(rand.NewSource(1))
			for i := range n {
				b := bytes.Repeat([]byte{byte(i)}, 1+rnd.Intn(int(size)-16))
				if err := w.WriteFrame(ctx, b); err != nil {
					t.Error(err)
					break
				}
			}
			w.Close()
		}()
		rnd := rand.New(rand.NewSource(1))
		i := 0
		for f, err := range r.Frames(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			b := bytes.Repeat([]byte{byte(i)}, 1+rnd.Intn(int(size)-16))
			if !bytes.Equal(b, f.Bytes()) || f.Sequence() != uint64(i+1) {
				t.Fatalf("frame %d differs: seq %d", i, f.Sequence())
			}
			i++
			f.Release()
		}
		if i != n {
			t.Fatal(i)
		}
		r.Close()
	}
}
