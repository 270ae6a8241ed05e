package main

import (
	"context"
	"errors"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// settle is the time that one side gives the other to become idle.
const settle = 200 * time.Millisecond

// idleRead waits for a frame that does not come. The other side is present.
func idleRead(ctx context.Context, s side) (result, error) {
	return s.withWriter(ctx, func(r *zerobuffer.Reader) (result, error) {
		return idle(ctx, s.Duration, func(ctx context.Context) error {
			_, err := r.ReadFrame(ctx)
			return err
		})
	})
}

// present is a writer that does not write.
func present(ctx context.Context, s side) (_ result, err error) {
	w, err := s.openWriter(ctx, "")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return result{}, sleep(ctx, s.Duration+2*settle)
}

// full fills the ring and waits for room that does not come. The other side is starve.
func full(ctx context.Context, s side) (_ result, err error) {
	w, err := s.openWriter(ctx, "")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	frame := content(1 << 20)
	for {
		ok, err := w.TryWriteFrame(frame)
		if err != nil && !errors.Is(err, zerobuffer.ErrBufferFull) {
			return result{}, err
		}
		if !ok {
			break
		}
	}
	return idle(ctx, s.Duration, func(ctx context.Context) error {
		return w.WriteFrame(ctx, frame)
	})
}

// starve is a reader that does not read.
func starve(ctx context.Context, s side) (result, error) {
	return s.withWriter(ctx, func(*zerobuffer.Reader) (result, error) {
		return result{}, sleep(ctx, s.Duration+2*settle)
	})
}

// withWriter makes a reader and calls f when the other side has connected.
func (s side) withWriter(
	ctx context.Context, f func(*zerobuffer.Reader) (result, error),
) (_ result, err error) {
	r, err := s.newReader("", 0)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.WaitWriter(ctx); err != nil {
		return result{}, err
	}
	return f(r)
}

// idle measures the share of a processor that this process takes while wait waits.
func idle(ctx context.Context, d time.Duration, wait func(context.Context) error) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, d+settle/2)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- wait(ctx) }()
	if err := sleep(ctx, settle/2); err != nil {
		return result{}, err
	}
	used, start := usage(), time.Now()
	err := <-done
	if !errors.Is(err, context.DeadlineExceeded) {
		return result{}, errors.Join(errors.New("wait in vain: something came"), err)
	}
	return result{CPU: float64(usage()-used) / float64(time.Since(start))}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
