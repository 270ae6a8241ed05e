package build

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// program builds a small program for Linux.
func program(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "program")
	c := Command{Env: []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS="}}
	if _, err := c.Output(t.Context(), "go", "build", "-o", name, source); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStatic(t *testing.T) {
	if err := static(program(t)); err != nil {
		t.Errorf("a static program: %v", err)
	}
	if err := static("static_test.go"); err == nil {
		t.Error("a text passed for a static program")
	}
}

func TestStaticSeesWhatIsNeeded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the programs of this system are not those of Linux")
	}
	err := static("/bin/sh")
	if err == nil || !strings.Contains(err.Error(), "dynamic loader") {
		t.Errorf("error for the shell is %v, want that it asks for a dynamic loader", err)
	}
	libraries, _ := filepath.Glob("/lib/*/libm.so.6") // has no loader of its own
	for _, name := range libraries {
		if err := static(name); err == nil || !strings.Contains(err.Error(), "it needs") {
			t.Errorf("error for %s is %v, want what it needs", name, err)
		}
	}
}
