// Command bench measures what moves between two processes: for each backend of the build, for other
// means of the system, for other libraries, and for the limits, which are bare C programs without
// a ring. What the numbers say is in docs/benchmarks.md.
//
//	go run ./compat/benchmarks/cmd/bench [--quick] [--measure one-way] [--json FILE]
//
// Each measurement is cut into rounds, in which all transports take turns, so that what else the
// machine does hits all of them; the medians of the rounds count.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/report"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if text := os.Getenv(sideVariable); text != "" {
		os.Exit(runSide(ctx, text, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the process that the user starts. It returns the exit code: 2 for a wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := &options{}
	exit := -1 // or what --help says
	parser, err := kong.New(o, kong.Name("bench"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if exit >= 0 {
		return exit
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 2
	}
	err = o.measure(ctx, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: stopped")
		return 130
	default:
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
}

// measure does everything that the options ask for.
func (o *options) measure(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if err := native.Supported(); err != nil {
		return err
	}
	b := &bench{options: o, stderr: &shared{to: stderr}, processors: o.processors()}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.clean()) }()
	r := &report.Report{
		Machine: b.machine(ctx),
		Settings: report.Settings{
			Duration: o.Duration.String(), Rounds: o.Rounds, Pinned: b.pinned(),
		},
	}
	for _, j := range b.jobs() {
		figures, err := b.inRounds(ctx, j)
		if err != nil {
			return err
		}
		r.Figures = append(r.Figures, figures...)
		live := report.Report{Machine: r.Machine, Settings: r.Settings, Figures: figures}
		if err := report.WriteTable(stdout, &live); err != nil {
			return err
		}
	}
	if len(r.Figures) == 0 {
		return errors.New("choose what to measure: nothing is left of --measure and --transports")
	}
	return errors.Join(report.WriteTargets(stdout, r), o.write(r))
}

// write writes the report in all the ways that are asked for.
func (o *options) write(r *report.Report) error {
	errs := []error{toFile(o.JSON, r, report.WriteJSON), toFile(o.Benchfmt, r, report.WriteBenchfmt)}
	if o.Plots != "" {
		_, err := report.WritePlots(o.Plots, r)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// toFile does nothing without a name.
func toFile(name string, r *report.Report, write func(io.Writer, *report.Report) error) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return errors.Join(write(f, r), f.Close())
}
