package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Programs of the benchmarks between processes.
const (
	benchCommand = "./compat/benchmarks/cmd/bench"
	showCommand  = "./compat/benchmarks/cmd/show"
)

// Bench runs the Go benchmarks of packages count times; BENCHTIME sets how long each takes.
func Bench(ctx context.Context, dir, count string, packages ...string) error {
	return bench(ctx, os.Stdout, dir, count, packages...)
}

func bench(ctx context.Context, to io.Writer, dir, count string, packages ...string) error {
	args := append([]string{
		"test", "-run=^$", "-bench=.", "-benchmem", "-count=" + count,
		"-benchtime=" + EnvOr("BENCHTIME", "1s"),
	}, packages...)
	return Command{Dir: dir, Stdout: to}.Run(ctx, "go", args...)
}

// BenchProcesses measures between two processes. BENCH_ARGS are arguments of the command, separated
// by spaces.
func BenchProcesses(ctx context.Context) error { return runBench(ctx, benchArgs("")...) }

func runBench(ctx context.Context, args ...string) error {
	return Command{}.Run(ctx, "go", append([]string{"run", benchCommand}, args...)...)
}

func benchArgs(otherwise string) []string {
	return strings.Fields(EnvOr("BENCH_ARGS", otherwise))
}

// BenchDocs measures between two processes, and writes below docs/benchmarks what the page about
// benchmarks shows: the plots, and the tables with the command that repeats them.
func BenchDocs(ctx context.Context) error {
	place := filepath.Join(CacheDir, "bench")
	docs := filepath.Join("docs", "benchmarks")
	for _, dir := range []string{place, docs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("place the results: %w", err)
		}
	}
	found := filepath.Join(place, "report.json")
	args := benchArgs("")
	if err := runBench(ctx, append([]string{"--json=" + found}, args...)...); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(docs, "results.txt"))
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	fmt.Fprintf(f, "$ %s\n\n", repeat(args))
	err = Command{Stdout: io.MultiWriter(f, os.Stdout)}.Run(ctx, "go", "run", showCommand,
		"--plots="+docs, found)
	return errors.Join(err, f.Close())
}

// repeat is the command line that makes the same measurements again.
func repeat(args []string) string {
	return strings.Join(append([]string{"go", "run", benchCommand}, args...), " ")
}
