package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Lane is runs of tests that happen one after another, beside those of other lanes. Tests watch the
// time, so only one lane may have runs that want all processors; the packages of another one wait
// most of their time, or there is a single one that keeps one processor busy.
type Lane []TestRun

// RunTests does the runs of all lanes and prints failures, skips with their reasons, and the
// summary line of all of them together. The error is nil only if each run had at least one test,
// none failed, and none was skipped that may not be.
func RunTests(ctx context.Context, lanes ...Lane) error {
	results := make([]Results, len(lanes))
	errs := make([]error, len(lanes))
	var ended sync.WaitGroup
	for i, lane := range lanes {
		ended.Go(func() { results[i], errs[i] = lane.do(ctx) })
	}
	ended.Wait()
	var all Results
	for i := range results {
		all.add(&results[i])
	}
	all.print(os.Stdout)
	return errors.Join(errs...)
}

// do does the runs of the lane, each also after one has failed.
func (l Lane) do(ctx context.Context) (Results, error) {
	var all Results
	var errs []error
	for i := range l {
		name := l[i].Name
		results, err := l[i].Do(ctx)
		results.name(name)
		all.add(results)
		if err != nil && name != "" {
			err = fmt.Errorf("%s: %w", name, err)
		}
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// name notes of which run the outcomes are that people will read.
func (r *Results) name(run string) {
	for _, some := range [][]Outcome{r.Failed, r.Skipped} {
		for i := range some {
			some[i].Run = run
		}
	}
}

// named puts the name of a run at the end of each line. A write is whole lines.
type named struct {
	io.Writer
	name string
}

func (n named) Write(b []byte) (int, error) {
	lines := bytes.ReplaceAll(b, []byte("\n"), []byte("  "+n.name+"\n"))
	if _, err := n.Writer.Write(lines); err != nil {
		return 0, fmt.Errorf("tell of %s: %w", n.name, err)
	}
	return len(b), nil
}
