package build

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// golangci-lint carries staticcheck, gofumpt and the other linters of .golangci.yml.
const (
	linter        = "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"
	linterVersion = "v2.15.0"
)

// Lint runs the linters and the format check over every module, as seen from Linux and Windows.
func Lint(ctx context.Context) error {
	modules, err := Modules(ctx)
	if err != nil {
		return err
	}
	tool, err := Installed(ctx, linter, linterVersion)
	if err != nil {
		return err
	}
	var errs []error
	for _, goos := range []string{"linux", "windows"} {
		c := Command{Env: []string{"GOOS=" + goos, "CGO_ENABLED=0"}}
		args := append([]string{"run", "--allow-parallel-runners"}, Patterns(modules)...)
		if err := c.Run(ctx, tool, args...); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", goos, err))
		}
	}
	return errors.Join(errs...)
}

// Format formats the files of every module.
func Format(ctx context.Context) error {
	modules, err := Modules(ctx)
	if err != nil {
		return err
	}
	tool, err := Installed(ctx, linter, linterVersion)
	if err != nil {
		return err
	}
	var dirs []string
	for _, m := range modules {
		dirs = append(dirs, m.Dir)
	}
	return Command{}.Run(ctx, tool, append([]string{"fmt"}, dirs...)...)
}

// RaceExit makes processes with the race detector end after a tenth of a second. Otherwise each
// waits for a whole one, in case a goroutine goes on while its program ends. Tests have none left
// then, which TestMain demands, and they start hundreds of processes.
const RaceExit = "GORACE=atexit_sleep_ms=100"

// RaceReady says what is missing for the race detector, which needs cgo.
func RaceReady(ctx context.Context) error {
	out, err := Command{}.Output(ctx, "go", "env", "CGO_ENABLED", "CC")
	if err != nil {
		return err
	}
	enabled, cc, _ := strings.Cut(out, "\n")
	if enabled != "1" {
		return errors.New("the race detector needs cgo: set CGO_ENABLED=1 and install a C compiler")
	}
	compiler := strings.Fields(cc)
	if len(compiler) == 0 {
		return errors.New("the race detector needs a C compiler: install gcc")
	}
	if _, err := exec.LookPath(compiler[0]); err != nil {
		return fmt.Errorf("the race detector needs a C compiler: %w; install gcc", err)
	}
	return nil
}
