package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// NoSkipEnv is the variable by which a test learns that it may not be skipped: what it needs has
// been set up, so a missing piece is a failure.
const NoSkipEnv = "ZEROBUFFER_NOSKIP"

// Strict says whether nothing may be skipped: in CI, or with ZEROBUFFER_REQUIRE=1.
func Strict() bool { return EnvSet("ZEROBUFFER_REQUIRE") || EnvSet("CI") }

// TestRun is one run of "go test".
type TestRun struct {
	Name     string   // what tells it from others beside it; empty: nothing has to
	Dir      string   // as in [Command]
	Packages []string // patterns; empty: all packages of the workspace
	Flags    []string
	Args     []string // for the test binaries
	Env      []string
	NoSkip   bool // a skipped test is an error
	Quiet    bool // print nothing; the caller looks at the results
}

// Do runs the tests, and prints one line a package unless the run is quiet. The error is nil only
// if at least one test ran, none failed, and none was skipped that may not be.
func (t TestRun) Do(ctx context.Context) (*Results, error) {
	results, err := t.collect(ctx)
	switch n := len(results.Skipped); {
	case len(results.Failed) > 0:
		return results, fmt.Errorf("%d tests failed", len(results.Failed))
	case err != nil:
		return results, err
	case results.Passed == 0:
		return results, errors.New("no test ran")
	case t.NoSkip && n > 0:
		return results, fmt.Errorf("%d tests were skipped where nothing may be", n)
	}
	return results, nil
}

// add appends what other runs came to.
func (r *Results) add(o *Results) {
	r.Passed += o.Passed
	r.Failed = append(r.Failed, o.Failed...)
	r.Skipped = append(r.Skipped, o.Skipped...)
	r.Ended = append(r.Ended, o.Ended...)
	r.packages += o.packages
}

// collect runs "go test -json" and reads what it prints.
func (t TestRun) collect(ctx context.Context) (*Results, error) {
	args := append([]string{"test", "-json"}, t.Flags...)
	if len(t.Packages) == 0 {
		args = append(args, "work")
	}
	args = append(args, t.Packages...)
	if len(t.Args) > 0 {
		args = append(append(args, "-args"), t.Args...)
	}
	env := slices.Clone(t.Env)
	if t.NoSkip {
		env = append(env, NoSkipEnv+"=1")
	}
	var progress io.Writer = os.Stdout
	if t.Quiet {
		progress = io.Discard
	} else if t.Name != "" {
		progress = named{progress, t.Name}
	}
	r, w := io.Pipe()
	ran := make(chan error, 1)
	go func() {
		c := Command{Dir: t.Dir, Env: env, Stdout: w, Quiet: t.Quiet}
		if t.Quiet {
			c.Stderr = io.Discard
		}
		ran <- c.Run(ctx, "go", args...)
		w.Close()
	}()
	results, err := ReadResults(r, progress)
	r.CloseWithError(err)
	return results, errors.Join(<-ran, err)
}

func (r *Results) print(w io.Writer) {
	for _, o := range r.Failed {
		fmt.Fprintf(w, "\nFAIL %s\n%s", o.Name(), o.Output)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintln(w, "\nskipped:")
	}
	for _, o := range r.Skipped {
		fmt.Fprintf(w, "  %s: %s\n", o.Name(), o.Output)
	}
	fmt.Fprintf(w, "\n%d packages with tests\n%s\n", r.packages, r.Line())
}
