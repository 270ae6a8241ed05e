package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// lastBytes is how much of the output of a failed target is shown again at the end.
const lastBytes = 4 << 10

// Steps runs targets in order, each as the command that a person would type, also after one has
// failed. Then it prints the end of what failed targets have said, how long each took and how it
// ended.
func Steps(ctx context.Context, env []string, targets ...string) error {
	var errs []error
	var table, failures strings.Builder
	begin := time.Now()
	for _, target := range targets {
		fmt.Printf("\n=== %s\n", target)
		start := time.Now()
		var said tail
		c := Command{
			Env: env, Stdout: io.MultiWriter(os.Stdout, &said), Stderr: io.MultiWriter(os.Stderr, &said),
		}
		err := c.Run(ctx, "go", "tool", "mage", target)
		end := "ok"
		if err != nil {
			end = "FAILED"
			errs = append(errs, fmt.Errorf("%s: %w", target, err))
			fmt.Fprintf(&failures, "\n=== the end of %s, which failed\n%s", target, said.lines())
		}
		fmt.Fprintf(&table, "%-11s %8v  %s\n", target, time.Since(start).Round(time.Second), end)
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Printf("%s\n%s%-11s %8v\n", &failures, &table, "all", time.Since(begin).Round(time.Second))
	return errors.Join(errs...)
}

// tail keeps the last bytes that were written to it. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	last []byte
	cut  bool // there was more before it
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if over := len(t.last) - lastBytes; over > 0 {
		t.last, t.cut = append(t.last[:0], t.last[over:]...), true
	}
	return len(b), nil
}

// lines is what is kept, from the first whole line on.
func (t *tail) lines() []byte {
	if _, whole, ok := bytes.Cut(t.last, []byte("\n")); t.cut && ok && len(whole) > 0 {
		return whole
	}
	return t.last
}
