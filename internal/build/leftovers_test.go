package build

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

func TestRemoveLeftovers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only /proc tells which processes run")
	}
	dir := t.TempDir()
	const dead = "2147483646" // above every limit of process numbers
	kept := []string{
		"camera", "sem.sem-w-camera", "zbtest-" + strconv.Itoa(os.Getpid()) + "-1-x", "zbtest-x-1",
		"my-zbtest-" + dead + "-1",
	}
	gone := []string{
		"zbtest-" + dead + "-1-x", "sem.sem-w-zbtest-" + dead + "-1-x", "sem-r-zbtest-" + dead + "-1",
		"posixshm-" + dead + "-TestX", "stress-" + dead + "-storm", "zbtest-" + dead + "-1-x.lock",
	}
	for _, name := range append(gone, kept...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeLeftovers(dir, filepath.Join(dir, "missing")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	slices.Sort(kept)
	if !slices.Equal(left, kept) {
		t.Errorf("left are %q, want %q", left, kept)
	}
}
