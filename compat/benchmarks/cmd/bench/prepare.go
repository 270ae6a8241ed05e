package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks"
)

// bench is a run: the options, and what they need.
type bench struct {
	*options
	stderr     io.Writer
	processors []int  // nil: not pinned
	dir        string // of what is made for this run
	programs   string // the directory of the limits, empty without a compiler
	python     string // with the peer's library, empty if there is none
	script     string // one side in Python
}

func (b *bench) pinned() bool { return b.processors != nil }

// processor is where a side runs, -1 for anywhere.
func (b *bench) processor(i int) int {
	if b.processors == nil {
		return -1
	}
	return b.processors[i]
}

// prepare builds the limits and finds the Python peer. What is missing is left out of the run.
func (b *bench) prepare(ctx context.Context) (err error) {
	if runtime.GOOS != "linux" {
		fmt.Fprintln(b.stderr, "bench: without the limits and the Python peer: they need Linux")
		return nil
	}
	if b.dir, err = os.MkdirTemp("", "zerobuffer-bench-*"); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	if err := b.unpack(); err != nil {
		return errors.Join(err, b.clean())
	}
	if err := b.compile(ctx); err != nil {
		return errors.Join(err, b.clean())
	}
	b.findPython()
	return nil
}

func (b *bench) clean() error { return os.RemoveAll(b.dir) }

// unpack writes the sources of everything that is not Go.
func (b *bench) unpack() error {
	if err := os.CopyFS(b.dir, benchmarks.Sources); err != nil {
		return fmt.Errorf("unpack the sources: %w", err)
	}
	b.script = filepath.Join(b.dir, "testdata", "peer.py")
	return nil
}

// compiler is what builds the limits, empty where they cannot be built.
func compiler() string {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		return ""
	}
	return gcc
}

// compile builds the limits.
func (b *bench) compile(ctx context.Context) error {
	gcc := compiler()
	if gcc == "" {
		fmt.Fprintln(b.stderr, "bench: without the limits: they need gcc")
		return nil
	}
	sources, err := benchmarks.Sources.ReadDir("limits")
	if err != nil {
		return fmt.Errorf("list the limits: %w", err)
	}
	dir := filepath.Join(b.dir, "limits")
	for _, s := range sources {
		name, ok := strings.CutSuffix(s.Name(), path.Ext(".c"))
		if !ok {
			continue
		}
		cmd := exec.CommandContext(ctx, gcc, "-O2", "-o", name, s.Name())
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("compile limits/%s: %w\n%s", s.Name(), err, out)
		}
	}
	b.programs = dir
	return nil
}

// runLimit runs a C program, which has its second process by itself.
func (b *bench) runLimit(ctx context.Context, e entrant, d time.Duration) (result, error) {
	args := []string{
		filepath.Join(b.programs, e.limit[0]),
		strconv.Itoa(b.processor(0)), strconv.Itoa(b.processor(1)),
		strconv.FormatInt(d.Nanoseconds(), 10),
	}
	cmd := exec.CommandContext(ctx, args[0], append(args[1:], e.limit[1:]...)...)
	cmd.Stderr = b.stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, fmt.Errorf("run limits/%s: %w", e.limit[0], err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("read the result of limits/%s: %w", e.limit[0], err)
	}
	return r, nil
}

// pythonVariable is set by the targets that install the Python peer.
const pythonVariable = "ZEROBUFFER_PYTHON"

// findPython looks for the virtual environment of the interop tests.
func (b *bench) findPython() {
	places := []string{os.Getenv(pythonVariable)}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, ".cache", "interop", "venv", "bin", "python"))
		}
	}
	for _, p := range places {
		if _, err := os.Stat(p); p != "" && err == nil {
			b.python = p
			return
		}
	}
	fmt.Fprintln(b.stderr, "bench: without the Python peer: `go tool mage interop` installs it")
}
