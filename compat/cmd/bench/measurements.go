package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/internal/pattern"
	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// roundTrip is the time of a frame there and back.
type roundTrip struct {
	Transport string `json:"transport"`
	Size      int    `json:"size"`
	Count     int64  `json:"count"`
	measure.Summary
}

// oneWay is how much goes through in one direction.
type oneWay struct {
	Transport       string  `json:"transport"`
	Size            int     `json:"size"`
	Frames          int64   `json:"frames"`
	FramesPerSecond float64 `json:"frames_per_second"`
	GBPerSecond     float64 `json:"gb_per_second"`
}

// warmUp is the part of a round-trip measurement that does not count.
const warmUp = 0.1

// measureRoundTrip sends a frame to the second process and waits until it comes back, again and
// again.
func measureRoundTrip(
	ctx context.Context, kind string, size int, d time.Duration, stderr io.Writer,
) (result roundTrip, err error) {
	result = roundTrip{Transport: kind, Size: size}
	name := uniqueName()
	back, err := newReceiver(kind, name+"-back")
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, back.close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	second, err := measure.StartSecond(ctx, stderr, "echo", kind, name, strconv.Itoa(size))
	if err != nil {
		return result, err
	}
	done := second.Watch(new(int64), cancel)
	latency, err := pingPong(ctx, kind, name, back, size, d)
	if err != nil {
		cancel()
		return result, errors.Join(err, <-done)
	}
	result.Count, result.Summary = latency.Count(), latency.Summary()
	return result, <-done
}

func pingPong(
	ctx context.Context, kind, name string, back receiver, size int, d time.Duration,
) (latency *measure.Latency, err error) {
	there, err := newSender(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, there.close()) }()
	latency = measure.NewLatency()
	check := &checker{}
	use := check.next
	var number uint64
	fill := func(b []byte) { pattern.Sequential.Fill(b, number) }
	for start := time.Now(); ; number++ {
		begin := time.Now()
		elapsed := begin.Sub(start)
		if elapsed > d {
			return latency, nil
		}
		if err := there.send(ctx, size, fill); err != nil {
			return nil, err
		}
		if err := back.receive(ctx, size, use); err != nil {
			return nil, err
		}
		if elapsed.Seconds() > warmUp*d.Seconds() {
			latency.Record(time.Since(begin))
		}
		if check.err != nil {
			return nil, check.err
		}
	}
}

// measureOneWay receives what the second process sends as fast as it can.
func measureOneWay(
	ctx context.Context, kind string, size int, d time.Duration, stderr io.Writer,
) (result oneWay, err error) {
	result = oneWay{Transport: kind, Size: size}
	name := uniqueName()
	r, err := newReceiver(kind, name)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	second, err := measure.StartSecond(ctx, stderr,
		"send", kind, name, strconv.Itoa(size), d.String())
	if err != nil {
		return result, err
	}
	var sent int64
	done := second.Watch(&sent, cancel)
	took, received, err := drain(ctx, r, size)
	if err != nil {
		cancel()
		return result, errors.Join(err, <-done)
	}
	if err := <-done; err != nil {
		return result, err
	}
	if sent != received || sent < 2 {
		return result, fmt.Errorf("count frames: %d were sent, %d received", sent, received)
	}
	result.Frames = sent
	// The first frame only starts the clock.
	result.FramesPerSecond = float64(sent-1) / took.Seconds()
	result.GBPerSecond = result.FramesPerSecond * float64(size) / 1e9
	return result, nil
}

// drain receives until the sender closes. took is the time from the first frame to the last.
func drain(ctx context.Context, r receiver, size int) (
	took time.Duration, received int64, err error,
) {
	check := &checker{}
	use := check.next
	var begin time.Time
	for check.err == nil {
		if err := r.receive(ctx, size, use); errors.Is(err, io.EOF) {
			return took, int64(check.frames), nil
		} else if err != nil {
			return 0, 0, err
		}
		if begin.IsZero() {
			begin = time.Now()
		}
		took = time.Since(begin)
	}
	return 0, 0, check.err
}

// checker compares every byte of the frames with what was sent.
type checker struct {
	frames uint64
	err    error
}

func (c *checker) next(frame []byte) {
	if c.err == nil {
		c.err = pattern.Sequential.Verify(frame, c.frames)
	}
	c.frames++
}

var names int

func uniqueName() string {
	names++
	return fmt.Sprintf("zerobuffer-bench-%d-%d", os.Getpid(), names)
}
