package build

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Targets of the cross build, as GOOS/GOARCH.
var Targets = []string{
	"linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64", "darwin/arm64",
}

// Cross builds and vets every package, and compiles and links every test, for each target.
func Cross(ctx context.Context) error {
	var errs []error
	for _, target := range Targets {
		goos, goarch, _ := strings.Cut(target, "/")
		c := Command{Env: []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0"}}
		for _, args := range [][]string{
			{"build", "work"},
			{"vet", "work"},
			{"test", "-c", "-o", os.DevNull, "work"},
		} {
			if err := c.Run(ctx, "go", args...); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", target, err))
			}
		}
	}
	return errors.Join(errs...)
}

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

// Fuzz finds the fuzz tests of the workspace and runs each for the given time ("10s", "1000x").
func Fuzz(ctx context.Context, each string) error {
	out, err := Command{}.Output(ctx, "go", "list", "-f",
		"{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}", "work")
	if err != nil {
		return err
	}
	var errs []error
	n := 0
	for pkg := range strings.FieldsSeq(out) {
		names, err := Command{}.Output(ctx, "go", "test", "-list", "^Fuzz", pkg)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for name := range strings.FieldsSeq(names) {
			if !strings.HasPrefix(name, "Fuzz") {
				continue
			}
			n++
			errs = append(errs, Command{}.Run(ctx, "go", "test", "-run", "^$",
				"-fuzz", "^"+name+"$", "-fuzztime", each, pkg))
		}
	}
	fmt.Printf("%d fuzz tests, %s each\n", n, each)
	return errors.Join(errs...)
}

// Covered are the modules whose coverage is reported.
var Covered = []string{"core", "backend-posix"}

// Cover runs the tests of the covered modules and prints the coverage of each of their packages
// by all tests together, so that what a backend's tests exercise in core counts for core.
func Cover(ctx context.Context) error {
	dir, err := filepath.Abs(filepath.Join(CacheDir, "cover"))
	if err != nil {
		return fmt.Errorf("place the coverage data: %w", err)
	}
	data := filepath.Join(dir, "data")
	if err := os.RemoveAll(data); err != nil {
		return fmt.Errorf("clear the coverage data: %w", err)
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return fmt.Errorf("place the coverage data: %w", err)
	}
	var patterns, pkgs []string
	for _, m := range Covered {
		patterns = append(patterns, "./"+m+"/...")
		pkgs = append(pkgs, Root+"/"+m+"/...")
	}
	args := append([]string{"test", "-count=1", "-cover", "-coverpkg", strings.Join(pkgs, ",")},
		patterns...)
	args = append(args, "-args", "-test.gocoverdir="+data)
	if err := (Command{Stdout: os.Stderr}).Run(ctx, "go", args...); err != nil {
		return err
	}
	err = Command{Quiet: true}.Run(ctx, "go", "tool", "covdata", "percent", "-i", data)
	if err != nil {
		return err
	}
	profile := filepath.Join(dir, "cover.out")
	_, err = Command{}.Output(ctx, "go", "tool", "covdata", "textfmt", "-i", data, "-o", profile)
	if err != nil {
		return err
	}
	out, err := Command{}.Output(ctx, "go", "tool", "cover", "-func", profile)
	if err != nil {
		return err
	}
	fmt.Println(lastLine(out))
	fmt.Printf("by line: go tool cover -html=%s\n", filepath.Join(CacheDir, "cover", "cover.out"))
	return nil
}

func lastLine(text string) string {
	last := ""
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		last = s.Text()
	}
	return last
}
