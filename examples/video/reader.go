package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// ringSize holds three frames of 4K video in yuv420p.
const ringSize = 40 << 20

// transfer makes a buffer, lets a second process decode the video into it, and reads all of it.
// It returns what was written and what was read.
func transfer(ctx context.Context, buffer, ffmpeg, video string, stderr io.Writer) (
	sent, got proof, err error,
) {
	backend, name, err := native.Resolve(buffer)
	if err != nil {
		return sent, got, err
	}
	r, err := zerobuffer.NewReader(backend, name,
		&zerobuffer.ReaderOptions{PayloadSize: ringSize})
	if err != nil {
		return sent, got, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	decoder, err := measure.StartSecond(ctx, stderr, buffer, ffmpeg, video)
	if err != nil {
		return sent, got, err
	}
	done := decoder.Watch(&sent, cancel)
	got, err = readAll(ctx, r)
	if err != nil {
		cancel()
	}
	// Where both failed, the decoder failed first: its end is the end of the reading.
	if decoderErr := <-done; decoderErr != nil {
		err = decoderErr
	}
	return sent, got, err
}

// readAll hashes every frame until the writer closes.
func readAll(ctx context.Context, r *zerobuffer.Reader) (p proof, err error) {
	sum := sha256.New()
	for frame, err := range r.Frames(ctx) {
		if err != nil {
			return p, err
		}
		sum.Write(frame.Bytes())
		frame.Release()
		p.Frames++
	}
	p.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return p, nil
}
