package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mutant is a deliberate fault: a patch, and the test that must fail with it. Its header is the
// text before the diff, with a line for each field:
//
//	Rule: contract 3a, own write position is published before the subtraction
//	Package: ./core/internal/ring
//	Run: TestWriterOrder
//
// Rule says what the fault breaks. Run is a pattern for "go test -run". "Flags: -race" may add
// flags. With "Target: windows" the test runs under Wine. Everything else before the diff is for
// people.
type Mutant struct {
	File    string // path of the patch
	Rule    string
	Package string
	Run     string
	Flags   string
	Target  string // GOOS; empty: the machine's own
}

var mutantField = regexp.MustCompile(`^(Rule|Package|Run|Flags|Target):\s*(.+?)\s*$`)

// ParseMutant reads the header of a patch.
func ParseMutant(file, text string) (Mutant, error) {
	m := Mutant{File: file}
	fields := map[string]*string{
		"Rule": &m.Rule, "Package": &m.Package, "Run": &m.Run, "Flags": &m.Flags,
		"Target": &m.Target,
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "diff ") || strings.HasPrefix(line, "--- ") {
			break
		}
		if match := mutantField.FindStringSubmatch(line); match != nil {
			*fields[match[1]] = match[2]
		}
	}
	if m.Rule == "" || m.Package == "" || m.Run == "" {
		return m, fmt.Errorf("read mutant %s: the header needs Rule, Package and Run", file)
	}
	if m.Target != "" && m.Target != "windows" {
		return m, fmt.Errorf("read mutant %s: Target is %q, and only windows is known", file, m.Target)
	}
	return m, nil
}

// mutantsFile is the list of deliberate faults that [Mutants] writes.
const mutantsFile = "docs/mutants.md"

const mutantsHead = `# Mutants

Deliberate faults, one a patch in ` + "`mutants/`" + `, and the test that passes without and
fails with each. Made by ` + "`go tool mage mutants`" + ` when every one was caught, not by hand.

| fault | what it breaks | caught by |
| --- | --- | --- |
`

// Mutants applies each patch of dir to a copy of the tree, and demands that the named test passes
// without the fault and fails with it. If that holds for all patches, it brings docs/mutants.md up
// to date.
func Mutants(ctx context.Context, dir, only string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"+only+"*.patch"))
	if err != nil {
		return fmt.Errorf("find mutants: %w", err)
	}
	if len(files) == 0 {
		return fmt.Errorf("find mutants: no *%s*.patch in %s", only, dir)
	}
	fmt.Println("mutant | rule | caught by | took")
	tried, err := tryMutants(ctx, files)
	var page strings.Builder
	page.WriteString(mutantsHead)
	errs := []error{err}
	for _, t := range tried {
		fmt.Fprintf(&page, "| %s | %s | %s |\n", t.name(), cell(t.Rule), t.test())
		if t.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.name(), t.err))
		}
	}
	fmt.Printf("\n%d mutants, %d not caught\n", len(files), len(errs)-1)
	if err := errors.Join(errs...); err != nil || only != "" {
		return err
	}
	return publish(mutantsFile, page.String(), "go tool mage mutants")
}

// triedMutant is what became of a mutant.
type triedMutant struct {
	Mutant
	err error // nil if it was caught
}

// mutantWorkers is how many mutants are tried at a time. Half of the time goes into linking, which
// uses one processor, and some of the tests only wait.
const mutantWorkers = 3

// tryMutants tries all, in any order, and prints a line for each as it ends.
func tryMutants(ctx context.Context, files []string) (tried []triedMutant, err error) {
	tried = make([]triedMutant, len(files))
	sound := proofs{}
	for i, file := range files {
		m, err := readMutant(file)
		tried[i] = triedMutant{m, err}
		if err == nil {
			sound.add(m)
		}
	}
	next := make(chan int, len(files))
	for _, i := range inTurn(tried) {
		next <- i
	}
	close(next)
	wine := &lazyWine{}
	defer wine.end()
	var shops []*workshop
	defer func() {
		for _, w := range shops {
			err = errors.Join(err, w.close())
		}
	}()
	for range min(mutantWorkers, len(files)) {
		w, err := newWorkshop(ctx, wine)
		if err != nil {
			return nil, err
		}
		shops = append(shops, w)
	}
	var all sync.WaitGroup
	for _, w := range shops {
		all.Go(func() {
			for i := range next {
				if t := &tried[i]; t.err == nil {
					t.err = t.report(ctx, w, sound)
				}
			}
		})
	}
	all.Wait()
	return tried, context.Cause(ctx)
}

// report tries a mutant and prints what came of it.
func (m Mutant) report(ctx context.Context, w *workshop, sound proofs) error {
	limit, err := time.Duration(0), context.Cause(ctx)
	if err == nil {
		limit, err = sound.of(ctx, m, w)
	}
	begin, caught := time.Now(), ""
	if err == nil {
		caught, err = m.try(ctx, w, limit)
	}
	if err != nil {
		caught = "NOT CAUGHT"
	}
	took := time.Since(begin).Round(100 * time.Millisecond).String()
	fmt.Println(strings.Join([]string{m.name(), m.Rule, caught, took}, " | "))
	return err
}

// workshop is where mutants are tried: a copy of the tree, and a place for what tests leave that a
// fault ends in the middle.
type workshop struct {
	tree, temp string
	wine       *lazyWine
}

func newWorkshop(ctx context.Context, wine *lazyWine) (*workshop, error) {
	tree, err := CopyTree(ctx)
	if err != nil {
		return nil, err
	}
	w := &workshop{tree: tree, wine: wine}
	w.temp, err = os.MkdirTemp("", "zerobuffer-mutants-")
	if err == nil {
		err = os.Chmod(w.temp, 0o1777) // tests start processes of other users
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("place the files of tests: %w", err), w.close())
	}
	return w, nil
}

func (w *workshop) close() error {
	return errors.Join(os.RemoveAll(w.tree), os.RemoveAll(w.temp),
		removeLeftovers("/dev/shm", "/tmp/zerobuffer", "/tmp/zerobuffer/locks"))
}

func readMutant(file string) (Mutant, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Mutant{File: file}, fmt.Errorf("read mutant: %w", err)
	}
	m, err := ParseMutant(file, string(text))
	if err != nil {
		return m, err
	}
	m.File, err = filepath.Abs(file)
	return m, err
}

// tests is a run of the tests that a pattern names.
func (m Mutant) tests(
	ctx context.Context, w *workshop, pattern string, limit time.Duration,
) (TestRun, error) {
	run := TestRun{
		Dir:      w.tree,
		Packages: []string{m.Package},
		// To vet and to write what debuggers need takes a third of the time of most.
		Flags: append(strings.Fields(m.Flags),
			"-vet=off", "-ldflags=-w", "-count=1", "-timeout="+limit.String(), "-run", pattern),
		Env:    []string{"TMPDIR=" + w.temp},
		Quiet:  true,
		NoSkip: true,
	}
	if m.Target == "windows" {
		host, err := w.wine.setUp(ctx)
		if err != nil {
			return run, err
		}
		run.Flags, run.Env = append(run.Flags, "-exec=wine"), host.Env()
	}
	return run, nil
}

// try returns the name of the test that caught the mutant. One that makes its test hang is caught
// by the limit.
func (m Mutant) try(ctx context.Context, w *workshop, limit time.Duration) (string, error) {
	run, err := m.tests(ctx, w, m.Run, limit)
	if err != nil {
		return "", err
	}
	if err := m.apply(ctx, w.tree); err != nil {
		return "", err
	}
	results, err := run.Do(ctx)
	if revert := m.apply(ctx, w.tree, "--reverse"); revert != nil {
		return "", revert
	}
	switch {
	case len(results.Unbuilt) > 0:
		return "", fmt.Errorf("does not compile%s", first(results))
	case len(results.Failed) == 0:
		return "", errors.Join(fmt.Errorf("survived: %s does not fail", m.Run), err)
	}
	caught := slices.MaxFunc(results.Failed, func(a, b Outcome) int {
		return cmp.Compare(len(a.Test), len(b.Test)) // a subtest rather than its parent
	})
	if caught.Test == "" {
		return "", fmt.Errorf("no test failed, but the package did%s", first(results))
	}
	return caught.Name(), nil
}

// apply patches the tree; git must not look for a repository above it.
func (m Mutant) apply(ctx context.Context, tree string, flags ...string) error {
	c := Command{Dir: tree, Env: []string{"GIT_CEILING_DIRECTORIES=" + filepath.Dir(tree)}}
	args := append(append([]string{"apply"}, flags...), m.File)
	_, err := c.Output(ctx, "git", args...)
	return err
}

// test names the test that has to fail, as people do.
func (m Mutant) test() string {
	name := strings.NewReplacer("^", "", "$", "").Replace(m.Run)
	return strings.TrimPrefix(m.Package, "./") + " " + strings.ReplaceAll(name, "|", " or ")
}

func (m Mutant) name() string { return strings.TrimSuffix(filepath.Base(m.File), ".patch") }

// first is the output of the first failure, for an error message.
func first(r *Results) string {
	if len(r.Failed) == 0 {
		return ""
	}
	o := r.Failed[0]
	return "\n" + cmp.Or(o.Output, o.Name())
}
