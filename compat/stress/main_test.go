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
	// containers is how many sets of programs there are that share memory and nothing else.
	containers int
	// open returns the backend of a container; it may use dir as it likes.
	open func(dir string, container int) driver.Backend
	// objects are the files of a buffer while its reader lives in that container. The first ones,
	// as many as firm says, nobody takes away; the others the reader makes again, now and then.
	objects func(dir string, container int, name string) []string
	firm    int
}

var kinds = []kind{
	{"posix", 1, openPosix, posixObjects, 5},
	{
		"memfd", 1,
		func(dir string, _ int) driver.Backend { return memfdshm.New(&memfdshm.Options{Dir: dir}) },
		func(dir string, _ int, name string) []string { return []string{dir + "/" + name} }, 1,
	},
	// Only the segment itself shows then whether a reader lives: each has lock files of its own.
	{"posix-in-two-containers", 2, openPosix, posixObjects, 1},
}

// simpleKinds leaves those with containers out.
var simpleKinds = kinds[:2]

func openPosix(dir string, container int) driver.Backend {
	tmp := fmt.Sprintf("%s/%d", dir, container)
	_ = os.MkdirAll(tmp, 0o755)
	return posixshm.New(&posixshm.Options{TempDir: tmp})
}

func posixObjects(dir string, container int, name string) []string {
	locks := fmt.Sprintf("%s/%d/zerobuffer/", dir, container)
	return []string{
		"/dev/shm/" + name, "/dev/shm/sem.sem-w-" + name, "/dev/shm/sem.sem-r-" + name,
		locks + name + ".lock", locks + "locks/" + name + ".lock",
	}
}

// place is where a test has its buffers, as seen from one of the containers.
type place struct {
	kind      int
	container int
	dir       string
}

// newPlace makes a directory for lock files or sockets, whose path is short enough for those.
func newPlace(t *testing.T, kind int) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "stress-") //nolint:usetesting // the path has to be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return place{kind: kind, dir: dir}
}

// in is the place as seen from one of its containers.
func (p place) in(n int) place {
	p.container = n % kinds[p.kind].containers
	return p
}

// lane is a part of the place for one of many buffers: programs that make a buffer wait for each
// other where it has its files.
func (p place) lane(n int) place {
	p.dir = fmt.Sprintf("%s/%d", p.dir, n)
	return p
}

// args is how a child is told the place; placeOf is how it understands that.
func (p place) args() []string {
	return []string{fmt.Sprintf("%d/%d", p.kind, p.container), p.dir}
}

func placeOf(args []string) (p place) {
	_, _ = fmt.Sscanf(args[0], "%d/%d", &p.kind, &p.container)
	p.dir = args[1]
	return p
}

func (p place) backend() driver.Backend { return kinds[p.kind].open(p.dir, p.container) }

// paths are all files of a buffer; firm ones stay there as long as its reader lives.
func (p place) paths(name string) (all, firm []string) {
	k := kinds[p.kind]
	all = k.objects(p.dir, p.container, name)
	return all, all[:k.firm]
}

// objects are those files of a buffer that are there, each with what its name leads to.
func (p place) objects(name string) map[string]os.FileInfo {
	found := map[string]os.FileInfo{}
	all, _ := p.paths(name)
	for _, path := range all {
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
