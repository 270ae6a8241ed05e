package zerobuffer_test

import (
	"context"
	"fmt"
	"testing"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// frameSizes are what benchmarks use: a message, a page, an audio block, a video frame.
var frameSizes = []struct {
	name string
	size int
}{{"64B", 64}, {"4KiB", 4 << 10}, {"64KiB", 64 << 10}, {"3MB", 3_110_400}}

// BenchmarkWriteRead is one goroutine that writes, reads and releases.
func BenchmarkWriteRead(b *testing.B) {
	for _, s := range frameSizes {
		b.Run("frame="+s.name, func(b *testing.B) {
			g := newRig(b, zerobuffer.ReaderOptions{PayloadSize: 16 << 20}, zerobuffer.WriterOptions{})
			data, ctx := make([]byte, s.size), context.Background()
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				if err := g.w.WriteFrame(ctx, data); err != nil {
					b.Fatal(err)
				}
				f, err := g.r.ReadFrame(ctx)
				if err != nil {
					b.Fatal(err)
				}
				f.Release()
			}
		})
	}
}

// BenchmarkReserveCommit writes in place, so no byte of the payload is touched.
func BenchmarkReserveCommit(b *testing.B) {
	g := newRig(b, zerobuffer.ReaderOptions{PayloadSize: 1 << 20}, zerobuffer.WriterOptions{})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.w.Reserve(ctx, 4096); err != nil {
			b.Fatal(err)
		}
		if err := g.w.Commit(4096); err != nil {
			b.Fatal(err)
		}
		f, err := g.r.ReadFrame(ctx)
		if err != nil {
			b.Fatal(err)
		}
		f.Release()
	}
}

// BenchmarkBatch writes and reads many frames by one call each; the numbers are a frame's.
func BenchmarkBatch(b *testing.B) {
	for _, batch := range []int{1, 32} {
		b.Run(fmt.Sprintf("frame=64B/batch=%d", batch), func(b *testing.B) {
			g := newRig(b, zerobuffer.ReaderOptions{PayloadSize: 1 << 20}, zerobuffer.WriterOptions{})
			data, frames := numbered(batch, 64), make([]zerobuffer.Frame, batch)
			ctx := context.Background()
			b.SetBytes(int64(64 * batch))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.w.WriteBatch(ctx, data); err != nil {
					b.Fatal(err)
				}
				n, err := g.r.ReadBatch(ctx, frames)
				if n != batch || err != nil {
					b.Fatal(n, err)
				}
				for _, f := range frames {
					f.Release()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/frame")
		})
	}
}

// BenchmarkTwoGoroutines streams from one goroutine to another.
func BenchmarkTwoGoroutines(b *testing.B) {
	for _, s := range frameSizes {
		b.Run("frame="+s.name, func(b *testing.B) {
			g := newRig(b, zerobuffer.ReaderOptions{PayloadSize: 16 << 20}, zerobuffer.WriterOptions{})
			data, ctx := make([]byte, s.size), context.Background()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for f, err := range g.r.Frames(ctx) {
					if err != nil {
						b.Error(err)
						return
					}
					f.Release()
				}
			}()
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				if err := g.w.WriteFrame(ctx, data); err != nil {
					b.Fatal(err)
				}
			}
			_ = g.w.Close()
			<-done
		})
	}
}
