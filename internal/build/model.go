package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// modelDir holds the models of the protocol in Promela, and the list of what is run.
const (
	modelDir  = "model"
	modelRuns = "runs.txt"
)

// modelWorkers is how many models run at the same time; one needs up to 1.6 GB.
const modelWorkers = 2

// ModelRun is one search through the states of a model.
type ModelRun struct {
	Fault  bool     // an error must be found
	Model  string   // name of the file without .pml
	Macros []string // NAME=value
}

// ParseModelRuns reads the list of runs: a line each, "check" or "fault", the model and its macros.
// Empty lines and those that start with # are left out.
func ParseModelRuns(text string) ([]ModelRun, error) {
	var runs []ModelRun
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) < 2 || words[0] != "check" && words[0] != "fault" {
			return nil, fmt.Errorf("read the list of models: %q is no run", strings.TrimSpace(line))
		}
		run := ModelRun{Fault: words[0] == "fault", Model: words[1], Macros: words[2:]}
		if run.Fault != (run.fault() != "") {
			return nil, fmt.Errorf("read the list of models: %q needs BROKEN if and only if it is a fault",
				strings.TrimSpace(line))
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// fault is the name of the deliberate fault, empty for none.
func (r ModelRun) fault() string {
	for _, m := range r.Macros {
		if name, ok := strings.CutPrefix(m, "BROKEN="); ok {
			return name
		}
	}
	return ""
}

// Model runs every model of the protocol, and with every deliberate fault. It needs spin and gcc.
func Model(ctx context.Context) error {
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("find the tools for the model: %w; on Debian install spin and gcc", err)
		}
	}
	text, err := os.ReadFile(filepath.Join(modelDir, modelRuns))
	if err != nil {
		return fmt.Errorf("read the list of models: %w", err)
	}
	runs, err := ParseModelRuns(string(text))
	if err != nil {
		return err
	}
	if only := os.Getenv("MODEL"); only != "" {
		runs = slices.DeleteFunc(runs, func(r ModelRun) bool {
			return !strings.Contains(r.Model+" "+strings.Join(r.Macros, " "), only)
		})
	}
	if len(runs) == 0 {
		return errors.New("run the models: none fits")
	}
	return runModels(ctx, runs)
}

// runModels does the runs, some at a time, and prints a table in their order.
func runModels(ctx context.Context, runs []ModelRun) error {
	ends := make([]ModelEnd, len(runs))
	errs := make([]error, len(runs))
	next := make(chan int, len(runs))
	for _, i := range modelOrder(runs) {
		next <- i
	}
	close(next)
	var all sync.WaitGroup
	for range modelWorkers {
		all.Go(func() {
			for i := range next {
				run := runs[i]
				ends[i], errs[i] = run.do(ctx)
				fmt.Printf("%s %s: %s\n", run.Model, strings.Join(run.Macros, " "), ends[i].Result(run.Fault))
			}
		})
	}
	all.Wait()
	fmt.Println()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "model\tmacros\tstates\tdepth\tseconds\tresult")
	for i, run := range runs {
		e := ends[i]
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%.1f\t%s\n", run.Model, strings.Join(run.Macros, " "),
			e.States, e.Depth, e.Took.Seconds(), e.Result(run.Fault))
	}
	return errors.Join(errors.Join(errs...), table.Flush())
}

// modelOrder is how the runs begin: checks first. They see all states, and a long one that began
// late would end alone.
func modelOrder(runs []ModelRun) []int {
	var checks, faults []int
	for i, run := range runs {
		if run.Fault {
			faults = append(faults, i)
		} else {
			checks = append(checks, i)
		}
	}
	return append(checks, faults...)
}

// do makes the program of the model in a directory of its own and runs it.
func (r ModelRun) do(ctx context.Context) (end ModelEnd, err error) {
	if err := ctx.Err(); err != nil {
		return end, context.Cause(ctx)
	}
	dir, err := os.MkdirTemp("", "model-")
	if err != nil {
		return end, fmt.Errorf("make a directory for the model: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.CopyFS(dir, os.DirFS(modelDir)); err != nil {
		return end, fmt.Errorf("copy the model: %w", err)
	}
	spin := []string{"-a"}
	for _, m := range r.Macros {
		spin = append(spin, "-D"+m)
	}
	tool := Command{Dir: dir}
	if _, err := tool.Output(ctx, "spin", append(spin, r.Model+".pml")...); err != nil {
		return end, err
	}
	optimise := "-O2"
	if r.Fault {
		optimise = "-O0" // most faults are found in less time than gcc takes otherwise
	}
	// Properties are assertions only, and states are kept compressed.
	_, err = tool.Output(ctx, "gcc", optimise, "-w", "-DSAFETY", "-DNOFAIR", "-DCOLLAPSE",
		"-o", "pan", "pan.c")
	if err != nil {
		return end, err
	}
	var out bytes.Buffer
	tool.Stdout, tool.Quiet = &out, true
	began := time.Now()
	// -E: what may stand still at the end is said by the models' own assertions.
	ran := tool.Run(ctx, filepath.Join(dir, "pan"), "-E", "-m100000")
	end = ParseModelEnd(out.String())
	end.Took = time.Since(began)
	if ran != nil && end.Error == "" {
		return end, fmt.Errorf("%w\n%s", ran, out.String())
	}
	return end, end.judge(r)
}
