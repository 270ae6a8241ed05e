package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// patience is how long one side waits for the other.
const patience = 10 * time.Second

// newReader makes the buffer of a side.
func (s side) newReader(suffix string, timeout time.Duration) (*zerobuffer.Reader, error) {
	backend, name, err := native.Resolve(s.Address + s.Name + suffix)
	if err != nil {
		return nil, err
	}
	return zerobuffer.NewReader(backend, name, &zerobuffer.ReaderOptions{
		Wait: s.Wait, PayloadSize: s.Ring, ReadTimeout: timeout,
	})
}

// openWriter connects to the buffer of the other side and waits until it is there.
func (s side) openWriter(ctx context.Context, suffix string) (*zerobuffer.Writer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	backend, name, err := native.Resolve(s.Address + s.Name + suffix)
	if err != nil {
		return nil, err
	}
	return zerobuffer.OpenWriter(ctx, backend, name, &zerobuffer.WriterOptions{
		Wait: s.Wait, WriteTimeout: patience,
	})
}

// receiveRing reads frame by frame until the writer has closed.
func receiveRing(ctx context.Context, s side) (_ result, err error) {
	r, err := s.newReader("", patience)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	m := newMeter(s.Size, s.Duration)
	touched := s.Size
	if s.ZeroCopy {
		touched = 8
	}
	if s.Batch > 1 {
		err = readBatches(ctx, r, m, s.Batch)
	} else {
		err = readFrames(ctx, r, m, touched)
	}
	if !errors.Is(err, io.EOF) {
		return result{}, err
	}
	return m.result(), nil
}

func readFrames(ctx context.Context, r *zerobuffer.Reader, m *meter, touched int) error {
	for {
		f, err := r.ReadFrame(ctx)
		if err != nil {
			return ended(err)
		}
		m.add(sum(f.Bytes()[:touched]))
		f.Release()
	}
}

func readBatches(ctx context.Context, r *zerobuffer.Reader, m *meter, batch int) error {
	frames := make([]zerobuffer.Frame, batch)
	for {
		n, err := r.ReadBatch(ctx, frames)
		if err != nil {
			return ended(err)
		}
		for i := range frames[:n] {
			m.add(sum(frames[i].Bytes()))
			frames[i].Release()
		}
	}
}

// ended turns the end of a buffer into [io.EOF].
func ended(err error) error {
	if errors.Is(err, zerobuffer.ErrWriterClosed) {
		return io.EOF
	}
	return err
}

// sendRing writes for the duration of the side.
func sendRing(ctx context.Context, s side) (_ result, err error) {
	w, err := s.openWriter(ctx, "")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	switch {
	case s.ZeroCopy:
		return reserveFrames(ctx, w, s)
	case s.Batch > 1:
		return writeBatches(ctx, w, s)
	default:
		return writeFrames(ctx, w, s)
	}
}

func writeFrames(ctx context.Context, w *zerobuffer.Writer, s side) (result, error) {
	frame := content(s.Size)
	p := newPump(frame, s.Duration)
	for p.more() {
		p.mark(frame)
		if err := w.WriteFrame(ctx, frame); err != nil {
			return result{}, err
		}
	}
	return p.result(), nil
}

func writeBatches(ctx context.Context, w *zerobuffer.Writer, s side) (result, error) {
	frames := make([][]byte, s.Batch)
	for i := range frames {
		frames[i] = content(s.Size)
	}
	p := newPump(frames[0], s.Duration)
	for p.more() {
		for _, frame := range frames {
			p.mark(frame)
		}
		if _, err := w.WriteBatch(ctx, frames); err != nil {
			return result{}, err
		}
	}
	return p.result(), nil
}

// reserveFrames touches only the number of each frame, in place.
func reserveFrames(ctx context.Context, w *zerobuffer.Writer, s side) (result, error) {
	p := newPump(content(8), s.Duration)
	for p.more() {
		b, err := w.Reserve(ctx, s.Size)
		if err != nil {
			return result{}, err
		}
		p.mark(b)
		if err := w.Commit(s.Size); err != nil {
			return result{}, err
		}
	}
	return p.result(), nil
}
