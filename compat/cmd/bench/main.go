// Command bench measures what moves between two processes: the round trip of a small frame, and
// frames and bytes a second one way, for each backend of the build. Every byte is written on one
// side and read on the other. A Unix socket, measured the same way, stands beside it for scale.
//
//	go run ./compat/cmd/bench [--duration 1s] [--rounds 9] [--backends posix,memfd] [--json]
//
// Each measurement is cut into rounds, in which all transports take turns, so that what else the
// machine does hits all of them; the medians of the rounds count.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

func main() { measure.Main(run, runSecond) }

// plan is what the user wants to have measured.
type plan struct {
	duration time.Duration // of each measurement, all rounds together
	rounds   int
	backends string // as the user gives them
	kinds    []string
	asJSON   bool
}

// run is the first process; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := plan{}
	flags := p.flags(stderr)
	if err := flags.Parse(args); err != nil { // which has been printed
		return 2
	}
	if err := p.check(flags.NArg()); err != nil {
		_, _ = fmt.Fprintf(stderr, "bench: %v\n", err)
		return 2
	}
	if err := native.Supported(); err != nil {
		_, _ = fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	live := stdout
	if p.asJSON {
		live = io.Discard
	}
	results, err := p.measureAll(ctx, live, stderr)
	if err == nil && p.asJSON {
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

// flags returns what sets the fields of the plan.
func (p *plan) flags(stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&p.duration, "duration", time.Second, "how long each measurement takes")
	flags.IntVar(&p.rounds, "rounds", 9, "in how many rounds, in which all backends take turns")
	flags.BoolVar(&p.asJSON, "json", false, "print the results as JSON")
	flags.StringVar(&p.backends, "backends", strings.Join(native.Backends(), ","),
		"what to measure, separated by commas: beginnings of addresses of buffers, such as\n"+
			"posix, memfd, memfd:@, memfd:/some/dir/")
	return flags
}

// check looks at the values and makes the list of transports.
func (p *plan) check(narg int) error {
	if p.duration <= 0 || p.rounds < 1 || narg > 0 {
		return errors.New("takes --duration (above 0), --rounds (1 or more), --backends and --json, " +
			"nothing else")
	}
	for kind := range strings.SplitSeq(p.backends, ",") {
		if p.backends == "" { // as where there is none
			break
		}
		if !strings.Contains(kind, ":") {
			kind += ":"
		}
		if _, _, err := native.Resolve(kind + uniqueName()); err != nil {
			return fmt.Errorf("--backends: %w", err)
		}
		p.kinds = append(p.kinds, kind)
	}
	if runtime.GOOS == "linux" { // abstract names of sockets exist there alone
		p.kinds = append(p.kinds, kindSocket)
	}
	return nil
}
