package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

// asProgram makes the test binary behave as the example, and as its child.
const asProgram = "ZEROBUFFER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const frames = "frame 1: hello 0 from the child\n" +
	"frame 2: hello 1 from the child\n" +
	"frame 3: hello 2 from the child\n"

// The program picks a memfd where there is one, and the default backend when it has to use a name.
func TestCrossProcessChild(t *testing.T) {
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
	byName := "backend " + native.Backend().Name() + ": the child is told the name\n" + frames
	require.Equal(t, byName, runProgram(t, "-named"))
	if runtime.GOOS != "linux" {
		require.Equal(t, byName, runProgram(t))
		return
	}
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	require.Equal(t, "backend memfd: only the child can reach the buffer\n"+frames, runProgram(t))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, "a private buffer has no socket")
}

func runProgram(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}
