// Command show prints a report of the benchmarks once more, and what it says about the targets.
//
//	go run ./compat/benchmarks/cmd/show [--benchfmt FILE] [--plots DIR] REPORT.json
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/report"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the command; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("show", flag.ContinueOnError)
	flags.SetOutput(stderr)
	benchfmt := flags.String("benchfmt", "", "write this file, for benchstat")
	plots := flags.String("plots", "", "draw plots into this directory")
	if err := flags.Parse(args); err != nil { // which has been printed
		return 2
	}
	if flags.NArg() != 1 {
		fmt.Fprintln(stderr, "show: takes one file, which bench --json has written")
		return 2
	}
	r, err := read(flags.Arg(0))
	if err == nil {
		err = errors.Join(
			report.WriteTable(stdout, r),
			targets(stdout, r),
			toFile(*benchfmt, r),
			draw(*plots, r),
		)
	}
	if err != nil {
		fmt.Fprintf(stderr, "show: %v\n", err)
		return 1
	}
	return 0
}

func read(name string) (*report.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open report: %w", err)
	}
	defer f.Close()
	return report.ReadJSON(f)
}

func targets(w io.Writer, r *report.Report) error {
	fmt.Fprintln(w)
	return report.WriteTargets(w, r)
}

func toFile(name string, r *report.Report) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write for benchstat: %w", err)
	}
	return errors.Join(report.WriteBenchfmt(f, r), f.Close())
}

func draw(dir string, r *report.Report) error {
	if dir == "" {
		return nil
	}
	_, err := report.WritePlots(dir, r)
	return err
}
