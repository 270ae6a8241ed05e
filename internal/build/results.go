package build

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Outcome is a test that has ended, and what it printed.
type Outcome struct {
	Action  string // "pass", "fail" or "skip"
	Package string
	Test    string // empty: the package itself, because it does not build or TestMain failed
	Output  string
	Run     string // name of the run, empty if it needs none
}

// Name is how people name the test: package without the common part, the test, the run.
func (o Outcome) Name() string {
	name := strings.TrimPrefix(o.Package, Root+"/")
	if o.Test != "" {
		name += " " + o.Test
	}
	if o.Run != "" {
		name += " (" + o.Run + ")"
	}
	return name
}

// Results is what a run of "go test -json" came to. Subtests count like tests.
type Results struct {
	Passed   int
	Failed   []Outcome
	Skipped  []Outcome
	Ended    []Outcome // all tests that ended, in that order
	Unbuilt  []string  // packages that did not compile
	packages int
}

// Line is the summary on a line of its own: "12 passed, 0 failed, 1 skipped".
func (r *Results) Line() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", r.Passed, len(r.Failed), len(r.Skipped))
}

// event is one line of "go test -json"; "go doc test2json" describes the fields.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// collector turns events into [Results].
type collector struct {
	results  Results
	progress io.Writer
	output   map[[2]string]*strings.Builder // by package and test, of what has not ended yet
	builds   map[string]*strings.Builder    // by import path
	failed   map[string]bool                // packages with a failed test
	counts   map[string]int                 // tests that ended, by package
}

// ReadResults reads the output of "go test -json" to its end. One line a package goes to progress.
func ReadResults(r io.Reader, progress io.Writer) (*Results, error) {
	c := &collector{
		progress: progress,
		output:   map[[2]string]*strings.Builder{},
		builds:   map[string]*strings.Builder{},
		failed:   map[string]bool{},
		counts:   map[string]int{},
	}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				c.add(e)
			} else {
				fmt.Fprintf(progress, "%s", line) // a message of the go command itself
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return &c.results, fmt.Errorf("read test events: %w", err)
		}
	}
	c.unfinished(func(string) bool { return true })
	return &c.results, nil
}

func (c *collector) add(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		appendTo(c.builds, e.ImportPath, e.Output)
	case "run":
		appendTo(c.output, key, "")
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") {
			appendTo(c.output, key, e.Output)
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			c.endPackage(e)
		} else {
			c.endTest(e)
		}
		delete(c.output, key)
	}
}

func (c *collector) endTest(e event) {
	o := Outcome{
		Action: e.Action, Package: e.Package, Test: e.Test, Output: c.text(e.Package, e.Test),
	}
	c.results.Ended = append(c.results.Ended, o)
	c.counts[e.Package]++
	switch e.Action {
	case "pass":
		c.results.Passed++
	case "fail":
		c.fail(o)
	case "skip":
		o.Output = reason(o.Output)
		c.results.Skipped = append(c.results.Skipped, o)
	}
}

func (c *collector) endPackage(e event) {
	word := map[string]string{"pass": "ok", "fail": "FAIL", "skip": "-"}[e.Action]
	if e.Action == "fail" {
		c.unfinished(func(pkg string) bool { return pkg == e.Package })
		text := c.text(e.Package, "")
		if e.FailedBuild != "" {
			word = "BUILD"
			c.results.Unbuilt = append(c.results.Unbuilt, e.Package)
			if b := c.builds[e.FailedBuild]; b != nil {
				text = b.String() + text
			}
		}
		if !c.failed[e.Package] {
			c.fail(Outcome{Package: e.Package, Output: text})
		}
	}
	if n := c.counts[e.Package]; n > 0 || e.Action == "fail" {
		c.results.packages++
		elapsed := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
		fmt.Fprintf(c.progress, "%-5s %-40s %4d tests %8v\n",
			word, Outcome{Package: e.Package}.Name(), n, elapsed)
	}
}

// unfinished counts tests that began and never ended as failed: the process died under them.
func (c *collector) unfinished(in func(pkg string) bool) {
	keys := slices.SortedFunc(maps.Keys(c.output), func(a, b [2]string) int {
		return strings.Compare(a[0]+" "+a[1], b[0]+" "+b[1])
	})
	for _, k := range keys {
		if k[1] != "" && in(k[0]) {
			text := "did not finish\n" + c.text(k[0], k[1])
			c.fail(Outcome{Package: k[0], Test: k[1], Output: text})
			delete(c.output, k)
		}
	}
}

func (c *collector) fail(o Outcome) {
	c.failed[o.Package] = true
	c.results.Failed = append(c.results.Failed, o)
}

func (c *collector) text(pkg, test string) string {
	if b := c.output[[2]string{pkg, test}]; b != nil {
		return b.String()
	}
	return ""
}

// reason cuts the output of a skipped test down to what it gave as the reason.
func reason(output string) string {
	var kept []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--- ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, " ")
}

func appendTo[K comparable](m map[K]*strings.Builder, key K, text string) {
	b := m[key]
	if b == nil {
		b = &strings.Builder{}
		m[key] = b
	}
	b.WriteString(text)
}
