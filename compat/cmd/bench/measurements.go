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

// medianRoundTrip puts rounds together: the median of each percentile, the sum of the counts.
func medianRoundTrip(rounds []roundTrip) roundTrip {
	all := roundTrip{Transport: rounds[0].Transport, Size: rounds[0].Size}
	pick := func(percentile func(measure.Summary) time.Duration) time.Duration {
		var values []time.Duration
		for _, r := range rounds {
			values = append(values, percentile(r.Summary))
		}
		return median(values)
	}
	all.P50 = pick(func(s measure.Summary) time.Duration { return s.P50 })
	all.P99 = pick(func(s measure.Summary) time.Duration { return s.P99 })
	all.P999 = pick(func(s measure.Summary) time.Duration { return s.P999 })
	for _, r := range rounds {
		all.Count += r.Count
	}
	return all
}

// medianOneWay puts rounds together: the median of the speeds, the sum of the frames.
func medianOneWay(rounds []oneWay) oneWay {
	all := oneWay{Transport: rounds[0].Transport, Size: rounds[0].Size}
	var values []float64
	for _, r := range rounds {
		all.Frames += r.Frames
		values = append(values, r.FramesPerSecond)
	}
	all.setSpeed(median(values))
	return all
}

func (r *oneWay) setSpeed(framesPerSecond float64) {
	r.FramesPerSecond = framesPerSecond
	r.GBPerSecond = framesPerSecond * float64(r.Size) / 1e9
}

// warmUp is the part of a measurement that does not count: the first lap touches new pages.
const warmUp = 0.1

// measureRoundTrip sends a frame to the second process and waits until it comes back, again and
// again.
func measureRoundTrip(
	ctx context.Context, kind string, size int, d time.Duration, stderr io.Writer,
) (result roundTrip, err error) {
	result = roundTrip{Transport: label(kind), Size: size}
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
	result = oneWay{Transport: label(kind), Size: size}
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
	took, counted, received, err := drain(ctx, r, size, time.Duration(warmUp*float64(d)))
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
	result.setSpeed(float64(counted-1) / took.Seconds())
	return result, nil
}

// drain receives until the sender closes. took is the time from the first frame to the last of
// those that are counted: all that come after the time to warm up, or all if there is none.
func drain(ctx context.Context, r receiver, size int, warm time.Duration) (
	took time.Duration, counted, received int64, err error,
) {
	check := &checker{}
	use := check.next
	var first, begin, last time.Time
	for check.err == nil {
		if err := r.receive(ctx, size, use); errors.Is(err, io.EOF) {
			received = int64(check.frames)
			if counted < 2 {
				begin, counted = first, received
			}
			return last.Sub(begin), counted, received, nil
		} else if err != nil {
			return 0, 0, 0, err
		}
		last = time.Now()
		switch {
		case first.IsZero():
			first = last
		case counted > 0:
			counted++
		case last.Sub(first) > warm:
			begin, counted = last, 1
		}
	}
	return 0, 0, 0, check.err
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
