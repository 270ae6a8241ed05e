package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// sender is where frames go in, one at a time.
type sender interface {
	send(ctx context.Context, frame []byte) error
	close() error
}

// receiver is where they come out.
type receiver interface {
	// receive returns the next frame, valid until done, and [io.EOF] when the sender has closed.
	receive(ctx context.Context) ([]byte, error)
	done()
	close() error
}

// sender opens the end for sending. The suffix tells the two directions apart.
func (s side) sender(ctx context.Context, suffix string) (sender, error) {
	switch s.Means {
	case meansRing:
		w, err := s.openWriter(ctx, suffix)
		return ringSender{w}, err
	case meansSocket, meansPipe:
		return openStreamSender(s)
	case meansShmipc:
		return openShmipcSender(ctx, s, suffix)
	default:
		return nil, fmt.Errorf("send: there is no means %q", s.Means)
	}
}

// receiver opens the end for receiving.
func (s side) receiver(suffix string) (receiver, error) {
	switch s.Means {
	case meansRing:
		r, err := s.newReader(suffix, patience)
		return &ringReceiver{r: r}, err
	case meansSocket, meansPipe:
		return openStreamReceiver(s)
	case meansShmipc:
		return openShmipcReceiver(s, suffix)
	default:
		return nil, fmt.Errorf("receive: there is no means %q", s.Means)
	}
}

type ringSender struct{ w *zerobuffer.Writer }

func (s ringSender) send(ctx context.Context, b []byte) error { return s.w.WriteFrame(ctx, b) }
func (s ringSender) close() error                             { return s.w.Close() }

type ringReceiver struct {
	r     *zerobuffer.Reader
	frame zerobuffer.Frame
}

func (r *ringReceiver) receive(ctx context.Context) (_ []byte, err error) {
	r.frame, err = r.r.ReadFrame(ctx)
	if err != nil {
		return nil, ended(err)
	}
	return r.frame.Bytes(), nil
}

func (r *ringReceiver) done()        { r.frame.Release() }
func (r *ringReceiver) close() error { return r.r.Close() }

// receive takes all frames that come in one direction.
func receive(ctx context.Context, s side) (_ result, err error) {
	if s.Means == meansRing { // without an interface between
		return receiveRing(ctx, s)
	}
	r, err := s.receiver("")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	m := newMeter(s.Size, s.Duration)
	for {
		frame, err := r.receive(ctx)
		if errors.Is(err, io.EOF) {
			return m.result(), nil
		}
		if err != nil {
			return result{}, err
		}
		m.add(sum(frame))
		r.done()
	}
}

// send sends in one direction as fast as it goes.
func send(ctx context.Context, s side) (_ result, err error) {
	if s.Means == meansRing {
		return sendRing(ctx, s)
	}
	w, err := s.sender(ctx, "")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	frame := content(s.Size)
	p := newPump(frame, s.Duration)
	for p.more() {
		p.mark(frame)
		if err := w.send(ctx, frame); err != nil {
			return result{}, err
		}
	}
	return p.result(), nil
}
