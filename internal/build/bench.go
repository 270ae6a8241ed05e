package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const benchstat = "golang.org/x/perf/cmd/benchstat"

const benchstatVersion = "v0.0.0-20260908200009-22c9c6c9d4da"

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

// BenchCompare runs the benchmarks at a commit and in the working tree, six times each, and
// prints what benchstat makes of the difference.
func BenchCompare(ctx context.Context, ref string) error {
	dir, err := os.MkdirTemp("", "zerobuffer-bench-")
	if err != nil {
		return fmt.Errorf("place the results: %w", err)
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, "tree")
	err = Command{}.Run(ctx, "git", "worktree", "add", "--detach", tree, ref)
	if err != nil {
		return err
	}
	oldFile, newFile := filepath.Join(dir, "before"), filepath.Join(dir, "now")
	err = benchTo(ctx, tree, oldFile)
	// The work tree is removed also when the time is up.
	always := context.WithoutCancel(ctx)
	err = errors.Join(err, Command{}.Run(always, "git", "worktree", "remove", "--force", tree))
	if err != nil {
		return err
	}
	if err := benchTo(ctx, "", newFile); err != nil {
		return err
	}
	return Command{}.Run(ctx, "go", "run", benchstat+"@"+benchstatVersion,
		"before="+oldFile, "now="+newFile)
}

func benchTo(ctx context.Context, dir, name string) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	defer f.Close()
	return bench(ctx, io.MultiWriter(f, os.Stdout), dir, "6", "./core/...")
}
