package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The command without cgo needs nothing around it: two processes of it move frames in a directory
// that holds only the program. The socket is abstract, so nothing is added either.
func TestCrossProcessEmptyChroot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	root := t.TempDir()
	program := filepath.Join(root, "zerobuffer")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	inside := func(cmd *exec.Cmd) {
		cmd.Path = "/zerobuffer"
		cmd.Dir = "/"
		cmd.Env = []string{} // nil would be our own
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	}
	version := spawn(t, inside, "version")
	version.exits(exitOK)
	require.Contains(t, version.stdout.String(), "memfd")

	address := "memfd:@" + newName()
	r := spawn(t, inside, "reader", address, "-n", "-1", "--verify", "random", "--hash",
		"--buffer-size", "1MiB", "--json-output")
	w := spawn(t, inside, "writer", address, "-n", "1000", "-s", "5000", "--pattern", "random",
		"--json-output")
	w.exits(exitOK)
	r.exits(exitOK)
	require.Equal(t, 1000, w.transfer().Written)
	got := r.transfer()
	require.Equal(t, 1000, got.Read)
	require.Len(t, got.SHA256, 64)

	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Len(t, entries, 1, "something was left in the directory")
}
