package profile_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/profile"
)

//go:noinline
func burnForTheProfile(until time.Time) (n int) {
	for time.Now().Before(until) {
		n++
	}
	return n
}

// TestStartNamesTheFunction reads the profile with the program for which it is.
func TestStartNamesTheFunction(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "place")
	stop, err := profile.Start(dir, profile.Writer)
	require.NoError(t, err)
	require.Positive(t, burnForTheProfile(time.Now().Add(500*time.Millisecond)))
	require.NoError(t, stop())

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := filepath.Join(dir, "writer.pprof")
	top, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-cum", file).CombinedOutput()
	require.NoError(t, err, "%s", top)
	require.Contains(t, string(top), "burnForTheProfile")
}

func TestStartOnceAtATime(t *testing.T) {
	dir := t.TempDir()
	stop, err := profile.Start(dir, profile.Reader)
	require.NoError(t, err)
	_, err = profile.Start(dir, "second")
	require.ErrorContains(t, err, "start profile")
	require.NoError(t, stop())
	stop, err = profile.Start(dir, "third")
	require.NoError(t, err, "after the end of the first one")
	require.NoError(t, stop())
}

func TestStartWithoutDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	stop, err := profile.Start("", profile.Reader)
	require.NoError(t, err)
	require.NoError(t, stop())
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestStartSaysWhatStandsInTheWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := profile.Start(file, profile.Reader)
	require.ErrorContains(t, err, "place profile")
	require.ErrorContains(t, err, file)
}
