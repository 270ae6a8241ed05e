//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCrossProcessSignalRemovesTheObjects(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		name := newName()
		r := spawn(t, nil, "reader", name, small, "-n", "-1", "--timeout-ms", "0")
		w := openTestWriter(t, name)
		writePattern(t, w, 3, 10)
		require.NoError(t, w.WaitDrained(context.Background()))
		require.NoError(t, r.cmd.Process.Signal(signal))
		r.exits(exitOK)
		require.Contains(t, r.stdout.String(), "Read 3 frames")
		require.NoError(t, w.Close())
		require.Empty(t, leftovers())
	}
}

// A viewer that is closed must not take the reader down before it has cleaned up.
func TestCrossProcessClosedPipeRemovesTheObjects(t *testing.T) {
	name := newName()
	viewer, output, err := os.Pipe()
	require.NoError(t, err)
	r := spawn(t, func(c *exec.Cmd) { c.Stdout = output }, "reader", name, small, "--output", "-")
	require.NoError(t, output.Close())
	w := openTestWriter(t, name)
	require.NoError(t, w.WriteFrame(context.Background(), []byte("pixels")))
	_, err = io.ReadFull(viewer, make([]byte, 6))
	require.NoError(t, err)
	require.NoError(t, viewer.Close())
	require.NoError(t, w.WriteFrame(context.Background(), []byte("pixels")))
	r.exits(exitTransfer)
	require.Contains(t, r.stderr.String(), "broken pipe")
	require.NoError(t, w.Close())
	require.Empty(t, leftovers())
}
