package testproc

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package, or the command of a child, and returns the exit code. After
// tests that have passed it is an error if a descriptor or a goroutine is still there, or if left
// returns something: objects of other kinds, which the package knows. left may be nil.
func Main(m *testing.M, commands map[string]Command, left func() []string) int {
	if text := os.Getenv(childEnv); text != "" {
		return runChild(text, commands)
	}
	before := descriptors()
	code := m.Run()
	if code != 0 || flag.Lookup("test.fuzz").Value.String() != "" {
		return code
	}
	var leaks []string
	if left != nil {
		leaks = left()
	}
	for _, fd := range descriptors() {
		if !slices.Contains(before, fd) {
			leaks = append(leaks, "descriptor "+fd)
		}
	}
	leaks = append(leaks, goroutines()...)
	for _, leak := range leaks {
		fmt.Fprintln(os.Stderr, "left behind:", leak)
		code = 1
	}
	return code
}

// goroutines returns the stacks if others than the caller are still there. One that has just been
// told to end may need a moment.
func goroutines() []string {
	for range 1000 {
		if runtime.NumGoroutine() <= 1 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	return []string{"goroutines\n" + string(stacks[:runtime.Stack(stacks, true)])}
}

// descriptors lists the open descriptors that matter, where the system shows them: the runtime
// keeps a few of its own.
func descriptors() []string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:[event") &&
			!strings.HasPrefix(target, "/proc/") {
			all = append(all, e.Name()+" "+target)
		}
	}
	return all
}
