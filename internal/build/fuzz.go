package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Fuzz finds the fuzz tests of the workspace and runs each for the given time ("10s", "1000x").
func Fuzz(ctx context.Context, each string) error {
	// One command builds all test binaries, as many at a time as there are processors.
	out, err := Command{}.Output(ctx, "go", "test", "-vet=off", "-list=^Fuzz", "work")
	if err != nil {
		return err
	}
	tests := parseFuzzTests(out)
	var errs []error
	for _, t := range tests {
		errs = append(errs, t.run(ctx, each))
	}
	fmt.Printf("%d fuzz tests, %s each\n", len(tests), each)
	return errors.Join(errs...)
}

type fuzzTest struct{ pkg, name string }

// parseFuzzTests reads what "go test -list" prints: the names of a package, then its line.
func parseFuzzTests(list string) []fuzzTest {
	var tests []fuzzTest
	var names []string
	for line := range strings.Lines(list) {
		switch words := strings.Fields(line); {
		case strings.HasPrefix(line, "Fuzz"):
			names = append(names, words[0])
		case len(words) > 1 && words[0] == "ok":
			for _, name := range names {
				tests = append(tests, fuzzTest{words[1], name})
			}
			names = nil
		}
	}
	return tests
}

// run runs the fuzz test. Up to Go 1.26 the end of the fuzzing time is now and then taken for
// a failure (go.dev/issue/75804); it is told from a real one in that no input was written down.
func (t fuzzTest) run(ctx context.Context, each string) error {
	var said bytes.Buffer
	err := Command{Stdout: io.MultiWriter(os.Stdout, &said)}.Run(ctx, "go", "test",
		"-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+each, t.pkg)
	ended := bytes.Contains(said.Bytes(), []byte("    context deadline exceeded\n"))
	found := bytes.Contains(said.Bytes(), []byte("Failing input written to"))
	if err != nil && ctx.Err() == nil && ended && !found {
		fmt.Printf("%s: no failure, the fuzzing time was over (go.dev/issue/75804)\n", t.name)
		return nil
	}
	return err
}
