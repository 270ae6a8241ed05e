package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// CacheDir is where targets keep environments, tools and results; git ignores it.
const CacheDir = ".cache"

// Command says where and with what a program runs. The zero value runs it in the root of the
// repository, with our own environment and output.
type Command struct {
	Dir    string    // working directory
	Env    []string  // added to our own environment, in the form "KEY=value"
	Stdout io.Writer // instead of our own
	Stderr io.Writer // instead of our own
	Quiet  bool      // do not print the command line first
}

// Run runs a program and waits for it. When ctx ends, the program and all that it started are
// killed, and the error says that the time is up.
func (c Command) Run(ctx context.Context, name string, args ...string) error {
	if !c.Quiet {
		fmt.Fprintf(os.Stderr, "$ %s%s %s\n", c.prefix(), name, strings.Join(args, " "))
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	if cmd.Stdout == nil {
		cmd.Stdout = os.Stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	ended := killWithChildren(cmd)
	err := cmd.Run()
	ended()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has ended well, and what it has started and left holds its output
	}
	if ctx.Err() != nil {
		return fmt.Errorf("run %s %s: %w", name, firstWord(args), context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("run %s %s: %w", name, firstWord(args), err)
	}
	return nil
}

// Output runs a program like [Command.Run], prints nothing, and returns its standard output
// without the white space around it. The error carries the program's standard error.
func (c Command) Output(ctx context.Context, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr, c.Quiet = &stdout, &stderr, true
	err := c.Run(ctx, name, args...)
	if err != nil && stderr.Len() > 0 {
		err = fmt.Errorf("%w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(stdout.String()), err
}

// prefix shows the added environment and the directory the way a shell would take them.
func (c Command) prefix() string {
	var b strings.Builder
	if c.Dir != "" {
		fmt.Fprintf(&b, "(cd %s) ", c.Dir)
	}
	for _, kv := range c.Env {
		fmt.Fprintf(&b, "%s ", kv)
	}
	return b.String()
}

func firstWord(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// Within runs step with a time budget. A step that exceeds it is ended, and the error says so. So
// is a step when this process is asked to terminate, so that it can end what it has started.
func Within(
	ctx context.Context, name string, d time.Duration, step func(context.Context) error,
) error {
	over := fmt.Errorf("%s exceeded its time budget of %v", name, d)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	limited, cancel := context.WithTimeoutCause(ctx, d, over)
	defer cancel()
	start := time.Now()
	err := step(limited)
	if limited.Err() != nil && ctx.Err() == nil && !errors.Is(err, over) {
		err = errors.Join(over, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(os.Stderr, "%s: done in %v\n", name, time.Since(start).Round(100*time.Millisecond))
	return nil
}

// EnvSet says whether an environment variable is set to something that means yes.
func EnvSet(key string) bool {
	switch strings.ToLower(os.Getenv(key)) {
	case "", "0", "false", "no":
		return false
	}
	return true
}

// EnvOr returns an environment variable, or value if it is not set.
func EnvOr(key, value string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return value
}
