package build

import (
	"context"
	"strings"
	"testing"
)

func TestSetUpWineSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := SetUpWine(context.Background())
	if err == nil || !strings.Contains(err.Error(), "gcc-mingw-w64-x86-64") {
		t.Errorf("the packages of Debian are not named: %v", err)
	}
}

func TestParseMutantTarget(t *testing.T) {
	const header = "Rule: r\nPackage: ./p\nRun: T\n"
	for text, want := range map[string]string{
		header: "",
		header + "Target: windows\n\n--- a/x\nTarget: none\n": "windows",
	} {
		m, err := ParseMutant("f", text)
		if err != nil || m.Target != want {
			t.Errorf("target %q (%v), want %q", m.Target, err, want)
		}
	}
	if _, err := ParseMutant("f", header+"Target: plan9\n"); err == nil {
		t.Error("an unknown target is no error")
	}
}

// TestProofWithoutWine tries a mutant for Windows where there is no Wine: that is said, no more.
func TestProofWithoutWine(t *testing.T) {
	t.Setenv("PATH", "")
	m := Mutant{File: "x.patch", Rule: "r", Package: "./x", Run: "TestX", Target: "windows"}
	sound := proofs{}
	sound.add(m)
	if _, err := sound.of(t.Context(), m, &workshop{wine: &lazyWine{}}); err == nil {
		t.Error("no error")
	}
}
