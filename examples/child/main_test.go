package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

const frames = "frame 1: hello 0 from the child\n" +
	"frame 2: hello 1 from the child\n" +
	"frame 3: hello 2 from the child\n"

// The program picks the best backend, and the default one when it is told to use a name.
func TestCrossProcessChild(t *testing.T) {
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "child.exe")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)

	// What is run is built without the tags of this test, so the default is that of no tag.
	best, byName := "backend memfd: only", "backend posix: the child is told the name\n"
	if runtime.GOOS != "linux" {
		byName = "backend " + native.Backend().Name() + ": the child is told the name\n"
		best = byName
	}
	runtimeDir := t.TempDir()
	got := runProgram(t, runtimeDir, program)
	require.Regexp(t, "^"+best, got)
	require.Contains(t, got, frames)
	entries, err := os.ReadDir(runtimeDir)
	require.NoError(t, err)
	require.Empty(t, entries, "a private buffer has no socket")

	require.Equal(t, byName+frames, runProgram(t, runtimeDir, program, "-named"))
}

func runProgram(t *testing.T, runtimeDir, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+runtimeDir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}
