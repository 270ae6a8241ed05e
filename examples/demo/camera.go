package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// patience is how long one side waits for the other.
const patience = 10 * time.Second

// filmed is what the second process reports to the first.
type filmed struct{ Frames uint64 }

// runCamera is the second process, the one that writes: BUFFER FRAMES-A-SECOND DURATION.
func runCamera(ctx context.Context, args []string, stdin io.Reader, stderr io.Writer) int {
	ctx, cancel := measure.SecondContext(ctx, stdin)
	defer cancel()
	n, err := parseAndFilm(ctx, args)
	if err == nil {
		err = measure.PrintResult(filmed{n})
	}
	if err != nil {
		if ctx.Err() == nil {
			_, _ = fmt.Fprintf(stderr, "demo camera: %v\n", err)
		}
		return 1
	}
	return 0
}

func parseAndFilm(ctx context.Context, args []string) (uint64, error) {
	if len(args) != 3 {
		return 0, fmt.Errorf("start camera: got %d arguments, want 3", len(args))
	}
	rate, err := strconv.Atoi(args[1])
	if err != nil {
		return 0, fmt.Errorf("start camera: %w", err)
	}
	duration, err := time.ParseDuration(args[2])
	if err != nil {
		return 0, fmt.Errorf("start camera: %w", err)
	}
	return film(ctx, phase{buffer: args[0], rate: rate, duration: duration})
}

// film writes frames for the duration of a phase and returns how many.
func film(ctx context.Context, p phase) (n uint64, err error) {
	backend, name, err := native.Resolve(p.buffer)
	if err != nil {
		return 0, err
	}
	connecting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w, err := zerobuffer.OpenWriter(connecting, backend, name,
		&zerobuffer.WriterOptions{WriteTimeout: patience})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := w.SetMetadata(format.Metadata()); err != nil {
		return 0, err
	}
	picture, start := newPicture(), time.Now()
	for time.Since(start) < p.duration {
		if err := shoot(ctx, w, picture, n); err != nil {
			return n, err
		}
		n++
		if p.rate > 0 {
			// The time of each frame is counted from the start, so that delays do not add up.
			next := start.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
			if err := sleepUntil(ctx, next); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// shoot makes frame n in place: the picture is drawn where the reader will see it.
func shoot(ctx context.Context, w *zerobuffer.Writer, picture *picture, n uint64) error {
	frame, err := w.Reserve(ctx, format.FrameSize())
	if err != nil {
		return err
	}
	s := stamp{number: n, begun: measure.Now()}
	picture.draw(frame, n)
	s.done = measure.Now()
	s.put(frame)
	return w.Commit(len(frame))
}

func sleepUntil(ctx context.Context, t time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(t)):
		return nil
	}
}
