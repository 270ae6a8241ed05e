package build

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWithinSaysWhatWasExceeded(t *testing.T) {
	err := Within(t.Context(), "nap", 50*time.Millisecond, func(ctx context.Context) error {
		<-ctx.Done() // so that the program cannot be faster
		return Command{Quiet: true}.Run(ctx, "go", "version")
	})
	if err == nil || !strings.Contains(err.Error(), "nap exceeded its time budget of 50ms") {
		t.Errorf("error is %v", err)
	}
}

func TestParseMutant(t *testing.T) {
	const header = "Rule: contract 3a\nPackage: ./core\nRun: ^TestX$\nFlags: -race\nwhy it is so\n"
	m, err := ParseMutant("x.patch", header+"--- a/x\n+++ b/x\nRun: not this\n")
	want := Mutant{"x.patch", "contract 3a", "./core", "^TestX$", "-race", ""}
	if err != nil || m != want {
		t.Errorf("mutant is %+v (%v), want %+v", m, err, want)
	}
	if _, err := ParseMutant("x.patch", "Rule: contract 3a\n"); err == nil {
		t.Error("a header without Package and Run was accepted")
	}
}

func TestMutantsOfABinaryAreNotTriedTogether(t *testing.T) {
	var tried []triedMutant
	for _, pkg := range []string{"a", "a", "a", "b", "c", "c"} {
		tried = append(tried, triedMutant{Mutant: Mutant{Package: pkg}})
	}
	if got := inTurn(tried); !slices.Equal(got, []int{0, 3, 4, 1, 5, 2}) {
		t.Errorf("order is %v", got)
	}
}

func TestRunDoesNotWaitForeverForWhatHoldsTheOutput(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs a shell")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := Command{}.Output(ctx, "sh", "-c", "sleep 60 & echo started $!")
	pid, ok := strings.CutPrefix(out, "started ")
	if !ok || err != nil {
		t.Fatalf("output %q, error %v", out, err)
	}
	if err := exec.CommandContext(t.Context(), "kill", pid).Run(); err != nil {
		t.Errorf("what held the output: %v", err)
	}
}
