//go:build linux

package death

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	memfdshm "github.com/zerobuffer-go/zerobuffer/backend-memfd"
	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// background is the context of calls that end by themselves; the watchdog of go test ends a hang.
var background = context.Background()

// prefix starts the name of every buffer that this process makes. In a namespace of its own its
// number is that of many others.
var prefix = fmt.Sprintf("zbdeath-%d-%d-", os.Getpid(), time.Now().UnixNano()%1e9)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("6") // nearly all of them wait nearly all the time
	}
	os.Exit(testproc.Main(m, commands(), left))
}

// commands are what the other processes do.
func commands() map[string]testproc.Command {
	return map[string]testproc.Command{
		"survivor": survivor, "victim": victim, "sleep": sleeper,
		"boxed": boxed, "nested": nested, "gated": gated,
		"owner": owner, "source": source, "limited": limited,
	}
}

// left lists the objects that the tests have left behind.
func left() []string {
	all, _ := filepath.Glob("/dev/shm/*" + prefix + "*")
	return all
}

// place is where the two sides of a test meet: a kind of backend, and a directory for lock files or
// sockets.
type place struct{ kind, dir string }

func newPlace(t *testing.T, kind string) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "zbd-") //nolint:usetesting // short, and others must get in
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o1777))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return place{kind, dir}
}

func (p place) args() []string { return []string{p.kind, p.dir} }

// backend is a new backend, as each process has its own.
func (p place) backend() driver.Backend {
	if p.kind == "memfd" {
		return memfdshm.New(&memfdshm.Options{
			Dir: p.dir, Accept: func(memfdshm.Peer) error { return nil },
		})
	}
	return posixshm.New(&posixshm.Options{TempDir: p.dir})
}

var names atomic.Int64

// newName is a name that no other test uses.
func newName() string { return fmt.Sprintf("%s%d", prefix, names.Add(1)) }

// needRoot skips a test that starts processes of other users or in namespaces.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	const text = "needs root to start processes of other users and in namespaces"
	if os.Getenv("ZEROBUFFER_NOSKIP") == "1" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// begin starts a child with the given attributes.
func begin(
	t *testing.T, attr *syscall.SysProcAttr, command string, args ...string,
) *testproc.Child {
	t.Helper()
	c := testproc.Prepare(t, command, args...)
	c.SysProcAttr = attr
	c.Begin()
	return c
}

// container are the attributes of a process that shares files with us, /dev/shm among them, but
// neither processes nor mounts nor IPC objects: it is number 1 there.
func container() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC,
	}
}

// user are the attributes of a process of another user.
func user(id uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
}

const insideEnv = "ZEROBUFFER_DEATH_INSIDE"

// inside runs the calling test once more, in a process with namespaces of its own, and returns
// false; there it returns true. A /proc of its own is mounted there.
func inside(t *testing.T, flags uintptr) bool {
	t.Helper()
	needRoot(t)
	if os.Getenv(insideEnv) == t.Name() {
		require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		require.NoError(t, unix.Mount("proc", "/proc", "proc", 0, ""))
		return true
	}
	c := exec.Command("/proc/self/exe", "-test.v", "-test.timeout=60s",
		"-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	c.Env = append(os.Environ(), insideEnv+"="+t.Name())
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | flags}
	out, err := c.CombinedOutput()
	t.Logf("inside:\n%s", out)
	require.NoError(t, err)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}
