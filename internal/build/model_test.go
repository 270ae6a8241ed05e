package build

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestParseModelRuns(t *testing.T) {
	runs, err := ParseModelRuns("# text\n\ncheck a\ncheck a K=1\nfault b BROKEN=X K=1\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 3 || runs[0].Fault || runs[1].Macros[0] != "K=1" || !runs[2].Fault ||
		runs[2].Model != "b" || runs[2].fault() != "X" {
		t.Errorf("runs are %+v", runs)
	}
	for _, bad := range []string{"check", "try a", "fault a", "fault a K=1", "check a BROKEN=X"} {
		if _, err := ParseModelRuns(bad); err == nil {
			t.Errorf("%q was taken for a run", bad)
		}
	}
}

// Printed by the program that spin 6.5.2 makes, cut down.
const (
	panClean = `
(Spin Version 6.5.2 -- 6 December 2019)
	assertion violations	+
State-vector 108 byte, depth reached 330, errors: 0
   273535 states, stored
pan: elapsed time 0.19 seconds
`
	panCaught = `
pan:1: assertion violated ( !(quiet)||doubt) (at depth 96)
pan: wrote ours.pml.trail
Warning: Search not completed
State-vector 84 byte, depth reached 274, errors: 1
    1.2e+07 states, stored
`
	panBroken = `
pan:1: indexing mem[9] - size is 8 (at depth 40)
Warning: Search not completed
State-vector 84 byte, depth reached 40, errors: 1
     39 states, stored
`
	panShallow = `
error: max search depth too small
State-vector 84 byte, depth reached 99, errors: 0
     99 states, stored
`
)

func TestParseModelEnd(t *testing.T) {
	e := ParseModelEnd(panClean)
	if e.States != 273535 || e.Depth != 330 || !e.Complete || e.Error != "" {
		t.Errorf("a clean run is %+v", e)
	}
	e = ParseModelEnd(panCaught)
	if e.States != 12000000 || e.Depth != 274 || e.Complete || e.Error != "(!(quiet)||doubt)" {
		t.Errorf("a run with an error is %+v", e)
	}
	for _, text := range []string{"", panBroken, panShallow, panClean + "pan: out of memory\n"} {
		if e := ParseModelEnd(text); e.Complete || e.Error != "" {
			t.Errorf("%q gave %+v", text, e)
		}
	}
}

func TestModelEndJudge(t *testing.T) {
	check, fault := ModelRun{Model: "a"}, ModelRun{Model: "a", Fault: true}
	tests := []struct {
		text   string
		run    ModelRun
		good   bool
		result string
	}{
		{panClean, check, true, "ok"},
		{panClean, fault, false, "NOT CAUGHT"},
		{panCaught, check, false, "FAILED: (!(quiet)||doubt)"},
		{panCaught, fault, true, "caught: (!(quiet)||doubt)"},
		{panBroken, check, false, "NOT COMPLETE"},
		{panBroken, fault, false, "NOT COMPLETE"},
		{panShallow, check, false, "NOT COMPLETE"},
		{panShallow, fault, false, "NOT COMPLETE"},
	}
	for _, c := range tests {
		e := ParseModelEnd(c.text)
		if got := e.Result(c.run.Fault); got != c.result || (e.judge(c.run) == nil) != c.good {
			t.Errorf("%q with fault=%v is %q, want %q", c.text, c.run.Fault, got, c.result)
		}
	}
}

var modelFault = regexp.MustCompile(`(?m)^#define ([A-Z_]+) +(\d+) +/\*`)

// TestModelFaultsAllTried compares the faults that the models know with those that are tried.
func TestModelFaultsAllTried(t *testing.T) {
	root := filepath.Join("..", "..", modelDir)
	text, err := os.ReadFile(filepath.Join(root, modelRuns))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := ParseModelRuns(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, model := range []string{"waiting", "foreign", "ours"} {
		source, err := os.ReadFile(filepath.Join(root, model+".pml"))
		if err != nil {
			t.Fatal(err)
		}
		var tried, known, numbers []string
		for _, r := range runs {
			if r.Model == model && r.Fault {
				tried = append(tried, r.fault())
			}
		}
		// Behind the faults come includes and the defaults of other macros.
		faults, _, _ := strings.Cut(string(source), "\n#i")
		for _, m := range modelFault.FindAllStringSubmatch(faults, -1) {
			known, numbers = append(known, m[1]), append(numbers, m[2])
		}
		slices.Sort(tried)
		slices.Sort(known)
		if tried = slices.Compact(tried); len(known) == 0 || !slices.Equal(tried, known) {
			t.Errorf("%s knows the faults %q, and %q are tried", model, known, tried)
		}
		slices.Sort(numbers)
		if len(slices.Compact(numbers)) != len(known) {
			t.Errorf("two faults of %s have the same number", model)
		}
	}
}

func TestModelOrderHasChecksFirst(t *testing.T) {
	runs := []ModelRun{{Fault: true}, {}, {Fault: true}, {}}
	if got := modelOrder(runs); !slices.Equal(got, []int{1, 3, 0, 2}) {
		t.Errorf("order is %v", got)
	}
}
