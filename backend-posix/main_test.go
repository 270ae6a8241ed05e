//go:build linux

package posixshm

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// prefix starts the name of every object that this run of the tests makes.
var prefix = fmt.Sprintf("posixshm-%d-", os.Getpid())

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		os.Exit(runChild(strings.Split(args, " ")))
	}
	before := descriptors()
	code := m.Run()
	if code == 0 && flag.Lookup("test.fuzz").Value.String() == "" {
		code = leaks(before)
	}
	os.Exit(code)
}

// leaks reports what the tests have left behind.
func leaks(before []string) int {
	code := 0
	for _, pattern := range []string{
		"/dev/shm/*" + prefix + "*", "/dev/shm/.zerobuffer-*",
		"/tmp/zerobuffer/" + prefix + "*", "/tmp/zerobuffer/locks/" + prefix + "*",
	} {
		if left, _ := filepath.Glob(pattern); len(left) > 0 {
			fmt.Fprintln(os.Stderr, "leaked objects:", left)
			code = 1
		}
	}
	for _, fd := range descriptors() {
		if !slices.Contains(before, fd) {
			fmt.Fprintln(os.Stderr, "leaked descriptor:", fd)
			code = 1
		}
	}
	opens.mu.Lock()
	defer opens.mu.Unlock()
	if len(opens.n) > 0 {
		fmt.Fprintln(os.Stderr, "leaked channels:", opens.n)
		code = 1
	}
	// A goroutine that has just been told to end may still be there for a moment.
	for i := 0; runtime.NumGoroutine() > 1; i++ {
		if i == 1000 {
			stacks := make([]byte, 1<<16)
			fmt.Fprintf(os.Stderr, "leaked goroutines:\n%s\n", stacks[:runtime.Stack(stacks, true)])
			return 1
		}
		time.Sleep(time.Millisecond)
	}
	return code
}

// descriptors lists the open descriptors that matter: the runtime keeps a few of its own.
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
