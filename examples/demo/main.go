// Command demo moves 1080p video from one process to another through shared memory, checks every
// byte of it, and tells how fast it was. It needs nothing but Go:
//
//	go run ./examples/demo [-buffer memfd:camera]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

// phase is one part of the demo.
type phase struct {
	buffer string // address
	title  string
	// rate is in frames a second; 0 means as fast as possible.
	rate     int
	duration time.Duration
}

func main() { measure.Main(run, runCamera) }

// run is the whole demo, seen from the side that reads; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	buffer := flags.String("buffer", bufferName(), "address of the buffer, such as memfd:camera")
	full := flags.Duration("full", 1500*time.Millisecond, "how long to run at full speed")
	paced := flags.Duration("paced", 2*time.Second, "how long to run at 60 frames a second")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if _, _, err := native.Resolve(*buffer); err != nil {
		_, _ = fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
	out := newScreen(stdout)
	out.header()
	for _, p := range []phase{
		{buffer: *buffer, title: "full speed", duration: *full},
		{buffer: *buffer, title: "60 frames/s", rate: 60, duration: *paced},
	} {
		outcome, err := watch(ctx, p, stderr)
		if ctx.Err() != nil {
			out.note("Stopped. Nothing is left behind.")
			return 130
		}
		if err == nil {
			out.row(p, outcome)
			err = outcome.check()
		}
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "demo: %v\n", err)
			return 1
		}
	}
	out.footer()
	return 0
}

// errContent is what a demo is there to rule out.
var errContent = errors.New("frames were lost or damaged")
