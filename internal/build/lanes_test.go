package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module makes a module whose only test waits until the other one runs as well.
func module(t *testing.T, meet, own, other string) TestRun {
	t.Helper()
	dir := t.TempDir()
	test := `package p

import (
	"os"
	"testing"
	"time"
)

func TestMeet(t *testing.T) {
	os.WriteFile("` + meet + "/" + own + `", nil, 0o600)
	for range 6000 {
		if _, err := os.Stat("` + meet + "/" + other + `"); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the other one did not come")
}
`
	for name, text := range map[string]string{"go.mod": "module p\n\ngo 1.24\n", "p_test.go": test} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return TestRun{
		Name: own, Dir: dir, Packages: []string{"."}, Flags: []string{"-count=1"},
		Env: []string{"GOWORK=off", "GOFLAGS="},
	}
}

func TestLanesRunBesideEachOther(t *testing.T) {
	meet := filepath.ToSlash(t.TempDir())
	err := RunTests(t.Context(), Lane{module(t, meet, "a", "b")}, Lane{module(t, meet, "b", "a")})
	if err != nil {
		t.Error(err)
	}
}

func TestRunTestsNamesTheRunThatFailed(t *testing.T) {
	bad := TestRun{
		Name: "bad", Dir: t.TempDir(), Packages: []string{"."}, Env: []string{"GOWORK=off"},
	}
	err := RunTests(t.Context(), Lane{bad}, Lane{bad})
	if err == nil || strings.Count(err.Error(), "bad: ") != 2 {
		t.Errorf("error is %v", err)
	}
}

func TestOutcomesSayOfWhichRunTheyAre(t *testing.T) {
	r := Results{
		Failed:  []Outcome{{Package: Root + "/core", Test: "TestX"}},
		Skipped: []Outcome{{Package: Root + "/core"}},
	}
	r.name("arm64")
	if got, want := r.Failed[0].Name(), "core TestX (arm64)"; got != want {
		t.Errorf("name is %q, want %q", got, want)
	}
	if got, want := r.Skipped[0].Name(), "core (arm64)"; got != want {
		t.Errorf("name is %q, want %q", got, want)
	}
	var out strings.Builder
	n, err := named{&out, "arm64"}.Write([]byte("ok core\nok p\n"))
	if n != len("ok core\nok p\n") || err != nil || out.String() != "ok core  arm64\nok p  arm64\n" {
		t.Errorf("wrote %q, %d bytes, %v", out.String(), n, err)
	}
}
