// Command video decodes a video with ffmpeg in one process, sends every frame through shared
// memory to another, and proves by hash that all of them arrived unchanged.
//
//	go run ./examples/video --video FILE [--ffmpeg PATH] [--buffer memfd:camera]
//
// Three hashes have to be equal: of what the writing process got from ffmpeg, of what the reading
// process found in shared memory, and the one that ffmpeg computes by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
	"github.com/zerobuffer-go/zerobuffer/compat/rawvideo"
)

func main() { measure.Main(run, runDecoder) }

// run is the side that reads; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("video", flag.ContinueOnError)
	flags.SetOutput(stderr)
	ffmpeg := flags.String("ffmpeg", "ffmpeg", "path of ffmpeg")
	buffer := flags.String("buffer", "zerobuffer-video-"+strconv.Itoa(os.Getpid()),
		"address of the buffer, such as memfd:camera")
	video := flags.String("video", "", "video file that ffmpeg can decode (required)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *video == "" || flags.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "video: say which video: --video FILE")
		return 2
	}
	if err := show(ctx, *buffer, *ffmpeg, *video, stdout, stderr); err != nil {
		_, _ = fmt.Fprintf(stderr, "video: %v\n", err)
		return 1
	}
	return 0
}

// show moves the video and prints the proof.
func show(ctx context.Context, buffer, ffmpeg, video string, stdout, stderr io.Writer) error {
	if _, _, err := native.Resolve(buffer); err != nil {
		return err
	}
	format, err := rawvideo.Probe(ctx, ffmpeg, video)
	if err != nil {
		return err
	}
	sent, got, err := transfer(ctx, buffer, ffmpeg, video, stderr)
	if err != nil {
		return err
	}
	reference, err := rawvideo.Hash(ctx, ffmpeg, video, format)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, `%d frames of %dx%d %s, %s bytes each
SHA-256 by ffmpeg  %s
        written    %s
        read       %s
`, got.Frames, format.Width, format.Height, format.Pixels,
		measure.Count(int64(format.FrameSize())), reference, sent.SHA256, got.SHA256)
	if got != sent || got.SHA256 != reference || got.Frames == 0 {
		return fmt.Errorf("compare: %d frames were written and %d read, and the hashes differ",
			sent.Frames, got.Frames)
	}
	_, _ = fmt.Fprintln(stdout, "Equal: every frame arrived unchanged.")
	return nil
}
