package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// outcome is what the reading side saw of a phase.
type outcome struct {
	written, read, damaged uint64
	// first and last are when the first and the last frame came.
	first, last int64
	// latency is from the begin of the writing of a frame until the reader has it; handover is
	// the part of it from the end of the writing on.
	latency, handover *measure.Latency
}

func (o *outcome) lost() int64 { return int64(o.written) - int64(o.read) }

// rate is in frames a second.
func (o *outcome) rate() float64 {
	if o.last <= o.first {
		return 0
	}
	return float64(o.read-1) / time.Duration(o.last-o.first).Seconds()
}

func (o *outcome) check() error {
	if o.lost() != 0 || o.damaged != 0 || o.read == 0 {
		return fmt.Errorf("check: %w: %d written, %d read, %d damaged",
			errContent, o.written, o.read, o.damaged)
	}
	return nil
}

// bufferName lets several demos run at once.
func bufferName() string { return "zerobuffer-demo-" + strconv.Itoa(os.Getpid()) }

// watch makes a buffer, starts the process that films into it, and reads until that one is done.
func watch(ctx context.Context, p phase, stderr io.Writer) (o *outcome, err error) {
	backend, name, err := native.Resolve(p.buffer)
	if err != nil {
		return nil, err
	}
	r, err := zerobuffer.NewReader(backend, name,
		&zerobuffer.ReaderOptions{ReadTimeout: patience})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	camera, err := measure.StartSecond(ctx, stderr,
		p.buffer, strconv.Itoa(p.rate), p.duration.String())
	if err != nil {
		return nil, err
	}
	var f filmed
	done := camera.Watch(&f, cancel)
	o, err = view(ctx, r)
	if err != nil {
		cancel()
	}
	// Where both failed, the camera failed first: its end is the end of the reading.
	if cameraErr := <-done; cameraErr != nil {
		return nil, cameraErr
	}
	if err != nil {
		return nil, err
	}
	o.written = f.Frames
	return o, nil
}

// view reads every frame until the writer closes.
func view(ctx context.Context, r *zerobuffer.Reader) (*outcome, error) {
	o := &outcome{latency: measure.NewLatency(), handover: measure.NewLatency()}
	picture := newPicture()
	for frame, err := range r.Frames(ctx) {
		if err != nil {
			return nil, err
		}
		o.see(frame.Bytes(), picture, measure.Now())
		frame.Release()
	}
	return o, nil
}

// see checks one frame, which came at the given time: its number and each of its pixels.
func (o *outcome) see(frame []byte, picture *picture, now int64) {
	n := o.read
	if n == 0 {
		o.first = now
	}
	o.last = now
	o.read++
	if len(frame) < stampSize || stampOf(frame).number != n || !picture.matches(frame, n) {
		o.damaged++
		return
	}
	s := stampOf(frame)
	o.latency.Record(time.Duration(now - s.begun))
	o.handover.Record(time.Duration(now - s.done))
}
