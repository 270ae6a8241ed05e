//go:build linux

package posixshm

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A small /dev/shm, as every container has one.
func TestCreateSmallShmCrossProcess(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a tmpfs")
	}
	b := newBackend(t)
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	c := start(t, b, attr, "mount", "8m", "create", prefix+"big", "67108864")
	text := c.Line()
	for _, part := range []string{
		"space ", "need 67108864 bytes", "/dev/shm has 8388608 free", "mount -o remount,size=",
		"--shm-size=", "PayloadSize",
	} {
		require.Contains(t, text, part)
	}
	c = start(t, b, attr, "mount", "40m", "create", prefix+"half", "67108864")
	require.Contains(t, c.Line(), "/dev/shm has 41943040 free", "not less what was tried")
	c = start(t, b, attr, "mount", "8m", "create", prefix+"fits", "8000000")
	require.Equal(t, ": <nil>", c.Line())
	// The semaphores need pages, too: 2 of 3 pages are not enough.
	c = start(t, b, attr, "mount", "12k", "create", prefix+"sem", "8192")
	text = c.Line()
	require.Contains(t, text, "space ")
	require.Contains(t, text, "need 32 bytes")
}

// A program that may make no large files needs no larger /dev/shm.
func TestCreateFileSizeLimitCrossProcess(t *testing.T) {
	b := newBackend(t)
	c := start(t, b, nil, "limit", "100000", "create", newName(t, b), "100001")
	text := c.Line()
	for _, part := range []string{
		"space ", "need 100001 bytes", "has 100000 free", "ulimit -f", "PayloadSize",
	} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "/dev/shm has")
	c = start(t, b, nil, "limit", "100000", "create", newName(t, b), "100000")
	require.Equal(t, ": <nil>", c.Line())
}

func TestMountPoint(t *testing.T) {
	require.Equal(t, "/proc", mountPoint("/proc/self"))
	require.Equal(t, "/", mountPoint("/"))
}
