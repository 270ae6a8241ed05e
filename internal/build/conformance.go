package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// conformanceFile is the list of cases that [Conformance] writes.
const conformanceFile = "docs/conformance.md"

// Suite is a backend whose conformance suite is run.
type Suite struct {
	Name string // of its package: a column of the table
	Dir  string
	OS   string // where it works; empty: everywhere
	Tags string // build tags
}

// Suites are the backends.
var Suites = []Suite{
	{Name: "inproc", Dir: "core/inproc"},
	{Name: "posixshm", Dir: "backend-posix", OS: "linux"},
	{Name: "memfdshm", Dir: "backend-memfd", OS: "linux"},
	{Name: "winshm", Dir: "backend-windows", OS: "windows"},
}

// Case is a case of the suite, with its outcome for each backend.
type Case struct {
	Name, Rule string
	Outcomes   map[string]string // by name of the backend
}

// Conformance runs the suite of every backend, prints what came out for each case, and brings
// docs/conformance.md up to date.
func Conformance(ctx context.Context) error {
	var cases []Case
	var errs, away []error
	var columns []string
	for i, end := range runSuites(ctx) {
		name := Suites[i].Name
		columns = append(columns, name)
		errs, away = append(errs, end.err), append(away, end.away)
		if end.results != nil {
			cases = addCases(cases, name, end.results.Ended)
		}
	}
	table := conformanceTable(columns, cases)
	fmt.Println(table)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := errors.Join(away...); err != nil {
		if Strict() {
			return err
		}
		fmt.Printf("%s is left as it is, a backend did not run:\n%v\n", conformanceFile, err)
		return nil
	}
	head := conformanceHead
	if slices.Contains(columns, "winshm") {
		head += "winshm runs under Wine.\n\n"
	}
	return publish(conformanceFile, head+table, "go tool mage conformance")
}

const conformanceHead = `# Conformance

What each backend does in each case of the suite in ` + "`core/drivertest`" + `. Made by
` + "`go tool mage conformance`" + `, not by hand.

`

// suiteEnd is what became of a suite.
type suiteEnd struct {
	results *Results // nil if it did not run
	err     error
	away    error // why it did not run
}

// runSuites runs all suites: those for this system one after another, and beside them the others,
// which spend most of their time in the setting up of another system.
func runSuites(ctx context.Context) []suiteEnd {
	ends := make([]suiteEnd, len(Suites))
	var all sync.WaitGroup
	for _, native := range []bool{true, false} {
		all.Go(func() {
			for i, s := range Suites {
				if s.native() == native {
					ends[i] = s.do(ctx)
				}
			}
		})
	}
	all.Wait()
	return ends
}

func (s Suite) native() bool { return s.OS == "" || s.OS == runtime.GOOS }

// do runs the suite, and prints what failed.
func (s Suite) do(ctx context.Context) suiteEnd {
	run, end, err := s.testRun(ctx)
	if err != nil {
		return suiteEnd{away: fmt.Errorf("%s: %w", s.Name, err)}
	}
	results, err := run.Do(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", s.Name, err)
		results.print(os.Stdout)
	}
	return suiteEnd{results: results, err: errors.Join(err, end())}
}

// testRun is how the suite runs on this system; end is called after it.
func (s Suite) testRun(ctx context.Context) (run TestRun, end func() error, err error) {
	run = TestRun{
		Packages: []string{"./" + s.Dir},
		Flags:    []string{"-run=^TestConformance$", "-count=1", "-timeout=4m", "-tags=" + s.Tags},
		NoSkip:   Strict(),
	}
	if s.native() {
		return run, func() error { return nil }, nil
	}
	if s.OS == "windows" {
		return wineRun(ctx, run)
	}
	return run, nil, fmt.Errorf("needs %s", s.OS)
}

// addCases adds what one backend came to.
func addCases(cases []Case, backend string, ended []Outcome) []Case {
	for _, o := range ended {
		name, ok := strings.CutPrefix(o.Test, "TestConformance/")
		if !ok || strings.Contains(name, "/") {
			continue
		}
		i := slices.IndexFunc(cases, func(c Case) bool { return c.Name == name })
		if i < 0 {
			i = len(cases)
			cases = append(cases, Case{Name: name, Outcomes: map[string]string{}})
		}
		if rule := logged(o.Output, "rule: "); rule != "" {
			cases[i].Rule = rule
		}
		cases[i].Outcomes[backend] = o.Action
		if reason := logged(o.Output, "exempt: "); reason != "" && o.Action == "pass" {
			cases[i].Outcomes[backend] = "exempt: " + reason
		}
	}
	return cases
}

// logged returns the rest of the last line that a test logged with the prefix.
func logged(output, prefix string) string {
	found := ""
	for line := range strings.Lines(output) {
		_, said, ok := strings.Cut(line, ".go:")
		_, said, _ = strings.Cut(said, ": ") // the number of the line
		if rest, is := strings.CutPrefix(said, prefix); ok && is {
			found = strings.TrimSpace(rest)
		}
	}
	return found
}

// conformanceTable is the summary and the list, in the order of the suite.
func conformanceTable(columns []string, cases []Case) string {
	var b strings.Builder
	b.WriteString("| backend | cases | pass | exempt | other |\n| --- | --- | --- | --- | --- |\n")
	for _, name := range columns {
		counts := map[string]int{}
		for _, c := range cases {
			word, _, _ := strings.Cut(c.Outcomes[name], ":")
			counts[word]++
		}
		n := len(cases) - counts[""]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, n, counts["pass"], counts["exempt"],
			n-counts["pass"]-counts["exempt"])
	}
	fmt.Fprintf(&b, "\n| case | rule | %s |\n| --- | ---%s |\n",
		strings.Join(columns, " | "), strings.Repeat(" | ---", len(columns)))
	for _, c := range cases {
		fmt.Fprintf(&b, "| %s | %s |", c.Name, cell(c.Rule))
		for _, name := range columns {
			outcome := c.Outcomes[name]
			if outcome == "" {
				outcome = "-"
			}
			fmt.Fprintf(&b, " %s |", cell(outcome))
		}
		b.WriteString("\n")
	}
	return b.String()
}
