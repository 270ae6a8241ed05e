//go:build linux

package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// noticed is the promise: how long after the end of a peer a call of ours ends.
const noticed = 250 * time.Millisecond

// blockedOn is a call that blocks on a peer, and its end.
type blockedOn struct {
	what string
	want error
	got  chan error
}

func block(what string, want error, call func() error) blockedOn {
	b := blockedOn{what, want, make(chan error, 1)}
	go func() { b.got <- call() }()
	return b
}

// killNoticed kills the peer, which holds no lock, and checks how soon each call ends.
func killNoticed(t *testing.T, p *peer, calls ...blockedOn) {
	t.Helper()
	soon()
	late := testproc.Lateness()
	killed := time.Now()
	p.kill()
	ended := time.Now()
	var report []string
	var worst time.Duration
	for _, c := range calls {
		require.ErrorIs(t, <-c.got, c.want, c.what)
		worst = time.Since(ended)
		report = append(report, fmt.Sprintf("%s after %v", c.what, time.Since(killed)))
	}
	t.Log(strings.Join(report, ", "))
	require.LessOrEqual(t, worst, noticed+late(), report)
}

// The peer is killed while our reader and our writer are blocked: only its PID tells.
func TestPythonPeerDeathNoticed(t *testing.T) {
	for range 5 {
		in, out := newName(t), newName(t, "lock")
		ctx := watched(t)
		r := newReader(t, in, 16384)
		p := startPeer(t)
		p.call("reader", args{"name": out, "payload": 4096})
		p.call("writer", args{"name": in})
		p.call("write", args{"sizes": mixed(1, 500), "n": 1})
		w := newWriter(t, out)
		mixed(1, 500).read(t, ctx, r, 0, 1)
		calls := []blockedOn{
			block("read", zerobuffer.ErrWriterDead, func() error {
				_, err := r.ReadFrame(ctx)
				return err
			}),
			block("metadata", zerobuffer.ErrWriterDead, func() error {
				_, err := r.WaitMetadata(ctx)
				return err
			}),
			block("write", zerobuffer.ErrReaderDead, func() error {
				return writeUntilError(ctx, w, content(0, 1000))
			}),
		}
		waitForWaiter(t, out, false)
		killNoticed(t, p, calls...)
		require.NoError(t, w.Close())
		newReader(t, out, 4096) // takes away what the peer has left
	}
}

// A reader of the peer in a container holds no lock, and its PID means nothing here.
func TestPythonReaderInContainerDeathNoticed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to start a process in a PID namespace")
	}
	for range 3 {
		name, ctx := newName(t, "lock"), watched(t)
		p := startPeerWith(t, &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWNS,
		})
		require.Equal(t, 1, p.PID)
		p.call("reader", args{"name": name, "payload": 4096})
		w := newWriter(t, name)
		write := block("write", zerobuffer.ErrReaderDead, func() error {
			return writeUntilError(ctx, w, content(0, 1000))
		})
		waitForWaiter(t, name, false)
		time.Sleep(2 * noticed)
		require.Empty(t, write.got, "it lives")
		killNoticed(t, p, write)
		require.NoError(t, w.Close())
		newReader(t, name, 4096)
	}
}

// A Python program that opens a segment by multiprocessing.shared_memory, to look at it, removes it
// when it ends: its resource tracker takes it for its own. Both sides are told where to look.
func TestPythonResourceTrackerRemovesSegment(t *testing.T) {
	python := need(t, "ZEROBUFFER_PYTHON")
	idle, full, ctx := newName(t), newName(t), watched(t)
	r, w := newReader(t, idle, 16384), newWriter(t, idle)
	r2, w2 := newReader(t, full, 4096), newWriter(t, full)
	require.NoError(t, w.WriteFrame(ctx, []byte{1}))
	f, err := r.ReadFrame(ctx)
	require.NoError(t, err)
	f.Release()
	calls := []blockedOn{
		block("read", zerobuffer.ErrSegmentRemoved, func() error {
			_, err := r.ReadFrame(ctx)
			return err
		}),
		block("write", zerobuffer.ErrSegmentRemoved, func() error {
			return writeUntilError(ctx, w2, content(0, 1000))
		}),
	}
	waitForWaiter(t, full, false)
	const onlooker = `import sys
from multiprocessing.shared_memory import SharedMemory
for name in sys.argv[1:]:
    SharedMemory(name).close()
`
	run, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	text, err := exec.CommandContext(run, python, "-c", onlooker, idle, full).CombinedOutput()
	require.NoError(t, err, "%s", text)
	for _, c := range calls {
		err := <-c.got
		require.ErrorIs(t, err, c.want, c.what)
		require.ErrorContains(t, err, "resource tracker of Python")
	}
	require.False(t, exists(idle, "segment"))

	// What is in the ring is not lost: both still have the memory.
	f, err = r2.ReadFrame(ctx)
	require.NoError(t, err)
	require.Equal(t, content(0, 1000), f.Bytes())
	f.Release()
}
