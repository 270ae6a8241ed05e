//go:build linux

package posixshm

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// prefix starts the name of every object that this run of the tests makes.
var prefix = fmt.Sprintf("posixshm-%d-", os.Getpid())

func TestMain(m *testing.M) { os.Exit(testproc.Main(m, commands(), left)) }

// left reports objects and channels that the tests have left behind.
func left() []string {
	var all []string
	for _, pattern := range []string{
		"/dev/shm/*" + prefix + "*", "/dev/shm/.zerobuffer-*",
		"/tmp/zerobuffer/" + prefix + "*", "/tmp/zerobuffer/locks/" + prefix + "*",
	} {
		paths, _ := filepath.Glob(pattern)
		all = append(all, paths...)
	}
	opens.mu.Lock()
	defer opens.mu.Unlock()
	for id, n := range opens.n {
		all = append(all, fmt.Sprintf("%d channels of %v", n, id))
	}
	return all
}
