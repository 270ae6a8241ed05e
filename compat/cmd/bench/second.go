package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/internal/pattern"
	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// runSecond is the second process: "echo KIND NAME SIZE" or "send KIND NAME SIZE DURATION".
func runSecond(ctx context.Context, args []string, stdin io.Reader, stderr io.Writer) int {
	ctx, cancel := measure.SecondContext(ctx, stdin)
	defer cancel()
	frames, err := second(ctx, args)
	if err == nil {
		err = measure.PrintResult(frames)
	}
	if err != nil {
		if ctx.Err() == nil {
			_, _ = fmt.Fprintf(stderr, "bench, second process: %v\n", err)
		}
		return 1
	}
	return 0
}

func second(ctx context.Context, args []string) (int64, error) {
	if len(args) < 4 {
		return 0, fmt.Errorf("start: got %d arguments, want 4 or 5", len(args))
	}
	kind, name := args[1], args[2]
	size, err := strconv.Atoi(args[3])
	if err != nil {
		return 0, err
	}
	if args[0] == "echo" {
		return echo(ctx, kind, name, size)
	}
	d, err := time.ParseDuration(args[4])
	if err != nil {
		return 0, err
	}
	return flood(ctx, kind, name, size, d)
}

// echo sends every frame back.
func echo(ctx context.Context, kind, name string, size int) (frames int64, err error) {
	there, err := newReceiver(kind, name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, there.close()) }()
	back, err := newSender(ctx, kind, name+"-back")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, back.close()) }()
	var sendErr error
	for {
		err := there.receive(ctx, size, func(frame []byte) {
			sendErr = back.send(ctx, len(frame), func(b []byte) { copy(b, frame) })
		})
		if errors.Is(err, io.EOF) {
			return frames, nil
		}
		if err := errors.Join(err, sendErr); err != nil {
			return frames, err
		}
		frames++
	}
}

// flood sends frames as fast as they go, for the given time.
func flood(ctx context.Context, kind, name string, size int, d time.Duration) (
	frames int64, err error,
) {
	s, err := newSender(ctx, kind, name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fill := func(b []byte) { pattern.Sequential.Fill(b, uint64(frames)) }
	for start := time.Now(); time.Since(start) < d; {
		// Looking at the clock costs as much as a small frame.
		for range 16 {
			if err := s.send(ctx, size, fill); err != nil {
				return frames, err
			}
			frames++
		}
	}
	return frames, nil
}
