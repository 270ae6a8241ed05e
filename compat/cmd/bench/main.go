// Command bench measures what moves between two processes: the round trip of a small frame, and
// frames and bytes a second one way. Every byte is written on one side and read on the other. A
// Unix socket, measured the same way, stands beside it for scale.
//
//	go run ./compat/cmd/bench [--duration 1s] [--json]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

func main() { measure.Main(run, runSecond) }

// sizes are a control message, a packet, a tensor and a frame of 1080p video in yuv420p.
var sizes = []int{64, 1 << 10, 64 << 10, 3_110_400}

// report is everything that was measured.
type report struct {
	RoundTrips []roundTrip `json:"round_trips"`
	OneWay     []oneWay    `json:"one_way"`
}

// run is the first process; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	duration := flags.Duration("duration", time.Second, "how long each measurement takes")
	asJSON := flags.Bool("json", false, "print the results as JSON")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *duration <= 0 || flags.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "bench: takes --duration (above 0) and --json, nothing else")
		return 2
	}
	if err := native.Supported(); err != nil {
		_, _ = fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	live := stdout
	if *asJSON {
		live = io.Discard
	}
	results, err := measureAll(ctx, *duration, live, stderr)
	if err == nil && *asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(results)
	}
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "bench: stopped")
		return 130
	default:
		_, _ = fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
}

// measureAll runs one measurement after the other and prints each as soon as it is there.
func measureAll(ctx context.Context, d time.Duration, live, stderr io.Writer) (*report, error) {
	all := &report{}
	show := func(format string, args ...any) { _, _ = fmt.Fprintf(live, format, args...) }
	show("round trip, 64 B     %10s %10s %10s %10s\n", "p50", "p99", "p99.9", "count")
	for _, kind := range kinds {
		r, err := measureRoundTrip(ctx, kind, sizes[0], d, stderr)
		if err != nil {
			return nil, fmt.Errorf("%s, round trip: %w", kind, err)
		}
		all.RoundTrips = append(all.RoundTrips, r)
		show("%-20s %10s %10s %10s %10s\n", kind, measure.Duration(r.P50),
			measure.Duration(r.P99), measure.Duration(r.P999), measure.Count(r.Count))
	}
	show("\none way              %10s %10s %10s\n", "size", "frames/s", "GB/s")
	for _, kind := range kinds {
		for _, size := range sizes {
			r, err := measureOneWay(ctx, kind, size, d, stderr)
			if err != nil {
				return nil, fmt.Errorf("%s, %d bytes one way: %w", kind, size, err)
			}
			all.OneWay = append(all.OneWay, r)
			show("%-20s %10s %10s %10.3f\n", kind, measure.Bytes(int64(size)),
				measure.Count(int64(r.FramesPerSecond)), r.GBPerSecond)
		}
	}
	return all, nil
}
