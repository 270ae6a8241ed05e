package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// back is the suffix of the way back.
const back = "-back"

// ask sends a frame and waits until it is back, again and again.
func ask(ctx context.Context, s side) (_ result, err error) {
	from, err := s.receiver(back)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := s.sender(ctx, "")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	latency := measure.NewLatency()
	frame := content(s.Size)
	base := sum(frame)
	warm, h, start := false, &heap{}, time.Now()
	h.begin(0)
	for n, last := uint64(0), time.Duration(0); last < s.Duration || latency.Count() == 0; n++ {
		setNumber(frame, n)
		if err := to.send(ctx, frame); err != nil {
			return result{}, err
		}
		answer, err := from.receive(ctx)
		if err != nil {
			return result{}, err
		}
		if got := sum(answer); got != base+n {
			return result{}, fmt.Errorf("check frame %d: its sum is %d, want %d", n, got, base+n)
		}
		from.done()
		if n == 0 { // it waited for the other side
			start = time.Now()
			continue
		}
		now := time.Since(start) // one look at the clock a round
		if warm {
			latency.Record(now - last)
		} else if now > s.Duration/10 {
			warm = true
			h.begin(0)
			now = time.Since(start)
		}
		last = now
	}
	r := percentiles(latency)
	r.Allocs = h.perFrame(r.Frames)
	return r, nil
}

func percentiles(l *measure.Latency) result {
	all := l.Summary()
	return result{
		Frames: l.Count(),
		P50:    float64(all.P50), P99: float64(all.P99), P999: float64(all.P999),
	}
}

// echo reads every frame and sends it back.
func echo(ctx context.Context, s side) (_ result, err error) {
	from, err := s.receiver("")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := s.sender(ctx, back)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	// It warms up in half the time, so that its look at the heap is in no time that the other takes.
	m := newMeter(s.Size, s.Duration/2)
	for {
		frame, err := from.receive(ctx)
		if errors.Is(err, io.EOF) {
			return m.result(), nil
		}
		if err != nil {
			return result{}, err
		}
		m.add(sum(frame))
		if err := to.send(ctx, frame); err != nil {
			return result{}, err
		}
		from.done()
	}
}

// pace sends frames at a rate; each begins with the time at which it was sent.
func pace(ctx context.Context, s side) (_ result, err error) {
	to, err := s.sender(ctx, "")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	frame := content(s.Size)
	var r result
	used, start := usage(), time.Now()
	step := time.Second / time.Duration(s.Rate)
	for at := step; at < s.Duration+2*step; at += step {
		time.Sleep(time.Until(start.Add(at)))
		setNumber(frame, uint64(measure.Now()))
		if err := to.send(ctx, frame); err != nil {
			return r, err
		}
		r.Frames++
		r.Sum += sum(frame)
	}
	r.CPU = float64(usage()-used) / float64(r.Frames)
	return r, nil
}

// watch receives what pace sends.
func watch(ctx context.Context, s side) (_ result, err error) {
	from, err := s.receiver("")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	latency := measure.NewLatency()
	var total uint64
	var used time.Duration
	for {
		frame, err := from.receive(ctx)
		if errors.Is(err, io.EOF) {
			r := percentiles(latency)
			r.Sum, r.CPU = total, float64(usage()-used)/float64(max(r.Frames-1, 1))
			return r, nil
		}
		if err != nil {
			return result{}, err
		}
		latency.Record(time.Duration(measure.Now() - int64(number(frame))))
		total += sum(frame)
		from.done()
		if latency.Count() == 1 { // until then it waited for the other side
			used = usage()
		}
	}
}
