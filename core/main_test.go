package zerobuffer_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails when goroutines of this module are left after the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leakedGoroutines(); code == 0 && len(left) != 0 {
		fmt.Fprintf(os.Stderr, "goroutines are left after the tests:\n\n%s\n",
			strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// leakedGoroutines returns the stacks of the goroutines of this module that do not end. A Writer
// or Reader that a test has killed is dropped, and ends its goroutine when it is collected.
func leakedGoroutines() []string {
	var left []string
	for range 100 {
		runtime.GC()
		if left = moduleGoroutines(); len(left) == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return left
}

func moduleGoroutines() []string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var left []string
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(stack, "zerobuffer-go/zerobuffer/core") &&
			!strings.Contains(stack, "TestMain") {
			left = append(left, stack)
		}
	}
	return left
}

// TestLeakedGoroutines shows that the check sees a goroutine that is left.
func TestLeakedGoroutines(t *testing.T) {
	end := make(chan struct{})
	started := make(chan struct{})
	go func() { close(started); waitFor(end) }()
	<-started
	for !strings.Contains(strings.Join(moduleGoroutines(), ""), "waitFor") {
		runtime.Gosched()
	}
	close(end)
}

//go:noinline
func waitFor(end chan struct{}) { <-end }
