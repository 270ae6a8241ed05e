package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
	"github.com/zerobuffer-go/zerobuffer/compat/rawvideo"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// patience is how long one side waits for the other.
const patience = 10 * time.Second

// proof is what one side saw: how many frames, and the hash of all of them.
type proof struct {
	Frames int64
	SHA256 string
}

// runDecoder is the second process, the one that writes: BUFFER FFMPEG VIDEO.
func runDecoder(ctx context.Context, args []string, stdin io.Reader, stderr io.Writer) int {
	ctx, cancel := measure.SecondContext(ctx, stdin)
	defer cancel()
	p, err := decode(ctx, args)
	if err == nil {
		err = measure.PrintResult(p)
	}
	if err != nil {
		if ctx.Err() == nil {
			_, _ = fmt.Fprintf(stderr, "video decoder: %v\n", err)
		}
		return 1
	}
	return 0
}

// decode writes every frame of the video into the buffer.
func decode(ctx context.Context, args []string) (p proof, err error) {
	if len(args) != 3 {
		return p, fmt.Errorf("start decoder: got %d arguments, want 3", len(args))
	}
	buffer, ffmpeg, video := args[0], args[1], args[2]
	backend, name, err := native.Resolve(buffer)
	if err != nil {
		return p, err
	}
	format, err := rawvideo.Probe(ctx, ffmpeg, video)
	if err != nil {
		return p, err
	}
	frames, err := rawvideo.Decode(ctx, ffmpeg, video, format)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, frames.Close()) }()
	connecting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w, err := zerobuffer.OpenWriter(connecting, backend, name,
		&zerobuffer.WriterOptions{WriteTimeout: patience})
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := w.SetMetadata(format.Metadata()); err != nil {
		return p, err
	}
	sum := sha256.New()
	for err == nil {
		if err = writeFrame(ctx, w, frames, sum, format.FrameSize()); err == nil {
			p.Frames++
		}
	}
	p.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return p, err
}

// writeFrame reads the next frame from the decoder straight into shared memory.
func writeFrame(
	ctx context.Context, w *zerobuffer.Writer, frames io.Reader, sum hash.Hash, size int,
) error {
	buf, err := w.Reserve(ctx, size)
	if err != nil {
		return err
	}
	if err := rawvideo.ReadFrame(frames, buf); err != nil {
		return errors.Join(err, w.Abort())
	}
	sum.Write(buf)
	return w.Commit(size)
}
