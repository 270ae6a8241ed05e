package build

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ModelEnd is what a search through the states of a model came to.
type ModelEnd struct {
	States   int
	Depth    int
	Took     time.Duration
	Complete bool   // every state was seen
	Error    string // the assertion that does not hold, empty for none
}

var (
	panStates = regexp.MustCompile(`(?m)^\s*([0-9.e+]+) states, stored`)
	panDepth  = regexp.MustCompile(`depth reached (\d+), errors: (\d+)`)
	panError  = regexp.MustCompile(`(?m)^pan:\d+: assertion violated (.*) \(at depth \d+\)`)
	// panPartial is what it prints when it has left something out.
	panPartial = regexp.MustCompile(
		`Search not completed|max search depth too small|out of memory|-DMEMLIM`)
)

// ParseModelEnd reads what the program that spin made has printed. Any error but an assertion, and
// a search that was cut short, leave a result that is neither complete nor an error.
func ParseModelEnd(text string) ModelEnd {
	var e ModelEnd
	if m := panStates.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseFloat(m[1], 64) // large numbers may come as 1e+07
		e.States = int(n)
	}
	errs := -1
	if m := panDepth.FindStringSubmatch(text); m != nil {
		e.Depth, _ = strconv.Atoi(m[1])
		errs, _ = strconv.Atoi(m[2])
	}
	if m := panError.FindStringSubmatch(text); m != nil && errs > 0 {
		e.Error = strings.ReplaceAll(strings.TrimSpace(m[1]), " ", "")
	}
	e.Complete = errs == 0 && e.States > 0 && !panPartial.MatchString(text)
	return e
}

// Result is one line of what came out, and for a fault whether it was caught.
func (e ModelEnd) Result(fault bool) string {
	switch {
	case fault && e.Error != "":
		return "caught: " + e.Error
	case fault && e.Complete:
		return "NOT CAUGHT"
	case e.Error != "":
		return "FAILED: " + e.Error
	case e.Complete:
		return "ok"
	}
	return "NOT COMPLETE"
}

// judge returns nil if a check found nothing in all states, or a fault was caught.
func (e ModelEnd) judge(r ModelRun) error {
	if r.Fault && e.Error != "" || !r.Fault && e.Complete {
		return nil
	}
	return fmt.Errorf("model %s %s: %s", r.Model, strings.Join(r.Macros, " "), e.Result(r.Fault))
}
