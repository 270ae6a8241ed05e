package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// sideVariable is the environment variable that tells a process which side it is.
const sideVariable = "ZEROBUFFER_BENCH_SIDE"

// grace is how long a process has to end by itself.
const grace = 5 * time.Second

// result is what one process of a measurement prints, in JSON. What it did not measure is 0.
type result struct {
	Frames int64   `json:"frames"`
	Sum    uint64  `json:"sum"`  // of all bytes
	Rate   float64 `json:"rate"` // frames/s
	CPU    float64 `json:"cpu"`  // ns a frame, or a share of a processor if idle
	P50    float64 `json:"p50"`  // ns
	P99    float64 `json:"p99"`
	P999   float64 `json:"p999"`
	Allocs float64 `json:"allocs"` // on the heap, a frame
}

// shared lets several processes write to one place.
type shared struct {
	mu sync.Mutex
	to io.Writer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(b)
}

// child is a process of a measurement. It ends when its standard input does, so it never outlives
// this process.
type child struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer
}

// start runs a program. env is added to the environment, files are its descriptors from 3 on.
func start(
	ctx context.Context, stderr io.Writer, args, env []string, files []*os.File,
) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.ExtraFiles = &c.stdout, stderr, files
	alive, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	c.cmd.Cancel, c.cmd.WaitDelay = alive.Close, grace
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	return c, nil
}

// wait waits for the end of the process and reads what it printed.
func (c *child) wait() (r result, err error) {
	if err := c.cmd.Wait(); err != nil {
		return r, fmt.Errorf("run %s: %w", c.cmd.Path, err)
	}
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		return r, fmt.Errorf("read the result of %s: %w", c.cmd.Path, err)
	}
	return r, nil
}

// together runs the two sides of a measurement until both have ended. When one goes wrong the other
// one ends as well.
func together(
	ctx context.Context, first, second func(context.Context) (*child, error),
) (results [2]result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, 2)
	running := 0
	for i, launch := range []func(context.Context) (*child, error){first, second} {
		c, err := launch(ctx)
		if err != nil {
			cancel()
			errs <- err
			running++
			break
		}
		running++
		go func() {
			var err error
			if results[i], err = c.wait(); err != nil {
				cancel()
			}
			errs <- err
		}()
	}
	for range running {
		err = errors.Join(err, <-errs)
	}
	return results, err
}
