//go:build linux

package stress

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	memfdshm "github.com/zerobuffer-go/zerobuffer/backend-memfd"
	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

var background = context.Background()

// watchdog is how long anything may take before it counts as hung. It is no requirement.
const watchdog = 60 * time.Second

// prefix starts the names of all buffers of this run.
var prefix = fmt.Sprintf("stress-%d-", os.Getpid())

func TestMain(m *testing.M) {
	os.Exit(testproc.Main(m, map[string]testproc.Command{
		"contest": contest,
		"storm":   storm,
		"writer":  scheduledWriter,
		"reader":  scheduledReader,
		"soak":    soakSide,
	}, func() []string {
		left, _ := filepath.Glob("/dev/shm/*" + prefix + "*")
		return left
	}))
}

// kind is a backend as tests and their children know it: by its number in kinds.
type kind struct {
	name string
	// open returns the backend; it may use dir as it likes.
	open func(dir string) driver.Backend
	// objects are the files of a buffer while its reader lives.
	objects func(dir, name string) []string
}

var kinds = []kind{
	{
		"posix",
		func(dir string) driver.Backend {
			return posixshm.New(&posixshm.Options{TempDir: dir})
		},
		func(dir, name string) []string {
			return []string{
				"/dev/shm/" + name, "/dev/shm/sem.sem-w-" + name, "/dev/shm/sem.sem-r-" + name,
				dir + "/zerobuffer/" + name + ".lock", dir + "/zerobuffer/locks/" + name + ".lock",
			}
		},
	},
	{
		"memfd",
		func(dir string) driver.Backend { return memfdshm.New(&memfdshm.Options{Dir: dir}) },
		func(dir, name string) []string { return []string{dir + "/" + name} },
	},
}

// place is where a test has its buffers.
type place struct {
	kind int
	dir  string
}

// newPlace makes a directory for lock files or sockets, whose path is short enough for those.
func newPlace(t *testing.T, kind int) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "stress-") //nolint:usetesting // the path has to be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return place{kind, dir}
}

// args is how a child is told the place; placeOf is how it understands that.
func (p place) args() []string { return []string{strconv.Itoa(p.kind), p.dir} }

func placeOf(args []string) place {
	kind, _ := strconv.Atoi(args[0])
	return place{kind, args[1]}
}

func (p place) backend() driver.Backend { return kinds[p.kind].open(p.dir) }

// objects are those files of a buffer that are there, each with what its name leads to.
func (p place) objects(name string) map[string]os.FileInfo {
	found := map[string]os.FileInfo{}
	for _, path := range kinds[p.kind].objects(p.dir, name) {
		if info, err := os.Lstat(path); err == nil {
			found[path] = info
		}
	}
	return found
}

// requireGone checks that nothing of a buffer is left.
func (p place) requireGone(t *testing.T, name string) {
	t.Helper()
	for path := range p.objects(name) {
		t.Fatalf("%s is left behind", path)
	}
}

// budget says how long a test goes on: for a time, or for the rounds that ZEROBUFFER_RUNS says.
type budget struct {
	rounds int
	end    time.Time
}

func newBudget(d time.Duration) budget {
	if n, err := strconv.Atoi(os.Getenv("ZEROBUFFER_RUNS")); err == nil {
		return budget{rounds: n}
	}
	if testing.Short() {
		d /= 4
	}
	return budget{end: time.Now().Add(d)}
}

// more tells whether another round is due after n.
func (b budget) more(n int) bool {
	if b.rounds > 0 {
		return n < b.rounds
	}
	return time.Now().Before(b.end)
}

// upTo sleeps for a random part of d.
func upTo(d time.Duration) { time.Sleep(rand.N(d)) }
