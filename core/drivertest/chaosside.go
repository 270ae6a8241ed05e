package drivertest

import (
	"context"
	"strconv"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// read is a session of a reader. A few errors do not end it: what comes next must be harmless, too.
func (s *chaosSide) read() {
	r, err := zerobuffer.NewReader(s.b, s.name, &zerobuffer.ReaderOptions{
		PayloadSize: 1 << 14, MetadataSize: 64, ReadTimeout: chaosTimeout,
		Wait: zerobuffer.WaitMode(s.rand.IntN(3)),
	})
	if err != nil {
		s.errs[kindOf(err)]++ // the enemy was faster
		time.Sleep(time.Millisecond)
		return
	}
	var held []zerobuffer.Frame
	frames := make([]zerobuffer.Frame, 8)
	for began, wrong := time.Now(), 0; wrong < 20 && !s.over(began); {
		op := s.rand.IntN(8)
		err := s.call("read "+strconv.Itoa(op), func(ctx context.Context) error {
			return s.readSomething(ctx, op, r, frames, &held)
		})
		if err != nil {
			wrong++
		}
		for len(held) > s.rand.IntN(20) {
			i := s.rand.IntN(len(held))
			held[i].Release()
			held = append(held[:i], held[i+1:]...)
		}
	}
	for _, f := range held {
		f.Release()
	}
	s.closed(r.Close)
}

// closed closes a side, which may not hang either.
func (s *chaosSide) closed(closing func() error) {
	_ = s.call("Close", func(context.Context) error { return closing() })
}

func (s *chaosSide) readSomething(
	ctx context.Context, op int, r *zerobuffer.Reader, frames []zerobuffer.Frame,
	held *[]zerobuffer.Frame,
) error {
	var f zerobuffer.Frame
	var err error
	n := 1
	switch op {
	case 0:
		n, err = r.ReadBatch(ctx, frames)
	case 1:
		frames[0], err = r.Latest(ctx)
	case 2:
		_, err = r.Metadata()
		n = 0
	case 3:
		r.Stats()
		r.WriterConnected()
		n = 0
	case 4:
		var ok bool
		if frames[0], ok, err = r.TryReadFrame(); !ok {
			n = 0
		}
	case 5:
		frames[0], err = r.ReadFrame(ctx)
	default:
		frames[0], err = r.ReadFrame(background)
	}
	if err != nil {
		return err
	}
	for _, f = range frames[:n] {
		s.frames++
		touch(f.Bytes())
		*held = append(*held, f)
	}
	return nil
}

// touch reads and writes each byte, which is in the segment or this is the end of the process.
func touch(b []byte) {
	for i := range b {
		b[i]++
	}
}

// write is a session of a writer.
func (s *chaosSide) write() {
	var w *zerobuffer.Writer
	err := s.call("OpenWriter", func(ctx context.Context) (err error) {
		w, err = zerobuffer.OpenWriter(ctx, s.b, s.name, &zerobuffer.WriterOptions{
			WriteTimeout: chaosTimeout, Wait: zerobuffer.WaitMode(s.rand.IntN(3)),
			Lap: int64(s.rand.IntN(3) * 5000),
		})
		return err
	})
	if w == nil {
		if err != nil {
			time.Sleep(time.Millisecond)
		}
		return
	}
	for began, wrong := time.Now(), 0; wrong < 20 && !s.over(began); {
		op := s.rand.IntN(8)
		err := s.call("write "+strconv.Itoa(op), func(ctx context.Context) error {
			return s.writeSomething(ctx, op, w)
		})
		if err != nil {
			wrong++
		}
	}
	s.closed(w.Close)
}

func (s *chaosSide) writeSomething(
	ctx context.Context, op int, w *zerobuffer.Writer,
) error {
	n := 1 + s.rand.IntN(min(w.MaxFrameSize(), 3000))
	s.frames++
	switch op {
	case 0:
		_, err := w.WriteBatch(ctx, [][]byte{chaosBytes[:n], chaosBytes[:1], chaosBytes[:n/2+1]})
		return err
	case 1:
		b, err := w.Reserve(ctx, n)
		if err != nil {
			return err
		}
		touch(b)
		return w.Commit(1 + s.rand.IntN(n))
	case 2:
		return w.SetMetadata(chaosBytes[:20])
	case 3:
		w.Stats()
		w.ReaderConnected()
		return w.WaitDrained(ctx)
	case 4:
		_, err := w.TryWriteFrame(chaosBytes[:n])
		return err
	case 5:
		return w.WriteFrame(ctx, chaosBytes[:n])
	}
	return w.WriteFrame(background, chaosBytes[:n])
}

// chaosBytes is what frames are made of: small numbers, which look like headers.
var chaosBytes = func() []byte {
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte(i % 3 * (i % 5))
	}
	return b
}()
