package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// marker is the environment variable that tells the second process what it is.
const marker = "ZEROBUFFER_SECOND_PROCESS"

// grace is how long a second process has to end by itself.
const grace = 5 * time.Second

// Second is another process of the same program, started by [StartSecond].
type Second struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer
}

// Main is the main function of a program that runs as two processes: first in the process that the
// user has started, second in the one that [StartSecond] has. An interrupt ends ctx, and a second
// interrupt the process. The exit code is what first or second returns.
func Main(
	first func(ctx context.Context, args []string, stdout, stderr io.Writer) int,
	second func(ctx context.Context, args []string, stdin io.Reader, stderr io.Writer) int,
) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if IsSecond() {
		os.Exit(second(ctx, os.Args[1:], os.Stdin, os.Stderr))
	}
	os.Exit(first(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// IsSecond tells whether this process was started by [StartSecond].
func IsSecond() bool { return os.Getenv(marker) != "" }

// StartSecond runs this program once more with the given arguments. The process ends, by
// [SecondContext], when ctx or this process ends, however it ends; what it prints to its standard
// error goes to stderr.
func StartSecond(ctx context.Context, stderr io.Writer, args ...string) (*Second, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start second process: %w", err)
	}
	s := &Second{cmd: exec.CommandContext(ctx, self, args...)}
	s.cmd.Env = append(os.Environ(), marker+"=1")
	s.cmd.Stdout = &s.stdout
	s.cmd.Stderr = stderr
	// The pipe says nothing; its end is the sign that this process is done.
	alive, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start second process: %w", err)
	}
	s.cmd.Cancel = alive.Close
	s.cmd.WaitDelay = grace
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start second process: %w", err)
	}
	return s, nil
}

// Wait waits for the end of the process and decodes the JSON that it printed into result.
func (s *Second) Wait(result any) error {
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("run second process: %w", err)
	}
	if err := json.Unmarshal(s.stdout.Bytes(), result); err != nil {
		return fmt.Errorf("read result of second process: %w", err)
	}
	return nil
}

// Watch waits in the background, calls failed as soon as the process ends without success, and
// sends what Wait returned.
func (s *Second) Watch(result any, failed func()) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := s.Wait(result)
		if err != nil {
			failed()
		}
		done <- err
	}()
	return done
}

// SecondContext returns a context for the second process that ends when the first one does. stdin
// is its standard input.
func SecondContext(ctx context.Context, stdin io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // the end is what counts, not how it comes
		cancel()
	}()
	return ctx, cancel
}

// PrintResult hands the result of the second process to the first.
func PrintResult(result any) error {
	return json.NewEncoder(os.Stdout).Encode(result)
}
