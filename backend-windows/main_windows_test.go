package winshm

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// prefix starts the name of every object that this run of the tests makes. A new Wine begins with
// the same numbers of processes again.
var prefix = fmt.Sprintf("winshm-%d-%x-", os.Getpid(), time.Now().UnixNano())

var lastName atomic.Uint64

// newName is the name of a buffer that no other test uses.
func newName() string { return fmt.Sprintf("%s%d", prefix, lastName.Add(1)) }

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		os.Exit(runChild(strings.Split(args, " ")))
	}
	code := m.Run()
	if code == 0 && flag.Lookup("test.fuzz").Value.String() == "" {
		code = leaks()
	}
	os.Exit(code)
}

// lockFiles are the lock files of the buffers whose names start with prefix.
func lockFiles(prefix string) []string {
	var left []string
	for _, dir := range []string{"", "zerobuffer", "zerobuffer/locks"} {
		found, _ := filepath.Glob(filepath.Join(os.TempDir(), dir, prefix+"*.lock"))
		left = append(left, found...)
	}
	return left
}

// leaks reports what the tests have left behind. Objects end with their handles, and handles of
// channels with Close; that each test closes what it opens is checked by names that are free again.
func leaks() int {
	if left := lockFiles(prefix); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "lock files are left:", left)
		return 1
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
	return 0
}
