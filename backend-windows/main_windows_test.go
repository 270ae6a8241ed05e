package winshm

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// prefix starts the name of every object that this run of the tests makes. A new Wine begins with
// the same numbers of processes again.
var prefix = fmt.Sprintf("winshm-%d-%x-", os.Getpid(), time.Now().UnixNano())

var lastName atomic.Uint64

// newName is the name of a buffer that no other test uses.
func newName() string { return fmt.Sprintf("%s%d", prefix, lastName.Add(1)) }

func TestMain(m *testing.M) {
	// Objects end with their handles, and handles of channels with Close; that each test closes
	// what it opens is checked by names that are free again. Files could be left.
	left := func() []string { return lockFiles(prefix) }
	os.Exit(testproc.Main(m, children, left))
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
