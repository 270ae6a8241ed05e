//go:build linux

package interop

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// quiet is how tests open the objects of a buffer without a Reader or a Writer.
var quiet = driver.Config{Logger: slog.New(slog.DiscardHandler)}

// TestMain runs the tests, or, in a process that a test has started, one side of a buffer. What is
// left over when the tests are done is a failure, even if each test looked clean.
func TestMain(m *testing.M) {
	if role := os.Getenv(helperVariable); role != "" {
		os.Exit(helper(role, os.Args[1:]))
	}
	code := m.Run()
	removeCommand()
	for _, pattern := range places {
		// Names that contain this process's number are ours alone.
		left, _ := filepath.Glob(fmt.Sprintf(pattern, fmt.Sprintf("*zbi-%d-*", os.Getpid())))
		if len(left) > 0 {
			fmt.Fprintln(os.Stderr, "left behind:", left)
			code = 1
		}
	}
	os.Exit(code)
}
