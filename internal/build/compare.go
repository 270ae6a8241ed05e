package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

const benchstat = "golang.org/x/perf/cmd/benchstat"

const benchstatVersion = "v0.0.0-20260908200009-22c9c6c9d4da"

// comparisons is how often each side is measured; benchstat wants six at least.
const comparisons = 6

// side is one of two trees that are compared: a commit, or the working tree.
type side struct {
	name string // as benchstat shows it
	tree string
	to   string // the file with the results
}

// BenchCompare measures at a commit and in the working tree, six times each and by turns, so that
// what else the machine does hits both, and prints what benchstat makes of the difference: of the
// benchmarks of core, and of those between two processes if the commit has them.
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
	err = compareCore(ctx, dir, tree)
	if err == nil {
		err = compareProcesses(ctx, dir, tree)
	}
	// The work tree is removed also when the time is up.
	always := context.WithoutCancel(ctx)
	return errors.Join(err,
		Command{}.Run(always, "git", "worktree", "remove", "--force", tree))
}

// compareCore compares the Go benchmarks of core.
func compareCore(ctx context.Context, dir, tree string) error {
	sides := newSides(dir, tree, "core")
	return sides.compare(ctx, func(s side, _ int) error {
		f, err := os.OpenFile(s.to, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("keep the results: %w", err)
		}
		defer f.Close()
		return bench(ctx, io.MultiWriter(f, os.Stdout), s.tree, "1", "./core/...")
	})
}

// compareProcesses compares what goes between two processes. The programs are built before, so
// that no compiler runs between the measurements.
func compareProcesses(ctx context.Context, dir, tree string) error {
	_, err := os.Stat(filepath.Join(tree, benchCommand))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Printf("\nnothing to compare between processes: the commit has no %s\n", benchCommand)
		return nil
	}
	show := filepath.Join(dir, "show"+exeSuffix)
	if err := (Command{}).Run(ctx, "go", "build", "-o", show, showCommand); err != nil {
		return err
	}
	sides := newSides(dir, tree, "processes")
	for _, s := range sides {
		err := Command{Dir: s.tree}.Run(ctx, "go", "build", "-o", s.program(), benchCommand)
		if err != nil {
			return err
		}
	}
	args := benchArgs("--measure=round-trip,one-way --transports=posix --rounds=1 --duration=500ms")
	return sides.compare(ctx, func(s side, n int) error {
		found, lines := s.to+strconv.Itoa(n)+".json", s.to+strconv.Itoa(n)
		err := Command{Dir: s.tree, Stdout: io.Discard}.Run(ctx, s.program(),
			append([]string{"--json=" + found}, args...)...)
		if err != nil {
			return err
		}
		err = Command{Stdout: io.Discard}.Run(ctx, show, "--benchfmt="+lines, found)
		return errors.Join(err, appendFile(s.to, lines))
	})
}

// program is where the benchmark command of this side is built.
func (s side) program() string { return s.to + "-bench" + exeSuffix }

// bothSides are the commit and the working tree.
type bothSides [2]side

func newSides(dir, tree, what string) bothSides {
	return bothSides{
		{"before", tree, filepath.Join(dir, "before-"+what)},
		{"now", "", filepath.Join(dir, "now-"+what)},
	}
}

// compare measures each side by turns, every other time the other way round, and runs benchstat.
func (b bothSides) compare(ctx context.Context, measure func(s side, n int) error) error {
	for n := range comparisons {
		for i := range b {
			if err := measure(b[(i+n)%2], n); err != nil {
				return fmt.Errorf("measure %s: %w", b[(i+n)%2].name, err)
			}
		}
	}
	args := []string{"run", benchstat + "@" + benchstatVersion}
	for _, s := range b {
		args = append(args, s.name+"="+s.to)
	}
	return Command{}.Run(ctx, "go", args...)
}

// appendFile adds the content of a file to another one.
func appendFile(to, from string) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	_, err = f.Write(contents(from))
	return errors.Join(err, f.Close())
}
