package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Target is a row of the matrix: a system and a processor.
type Target struct{ OS, Arch string }

func (t Target) String() string { return t.OS + "/" + t.Arch }

// Env makes the go command build for the target, without cgo.
func (t Target) Env() []string {
	return []string{"GOOS=" + t.OS, "GOARCH=" + t.Arch, "CGO_ENABLED=0"}
}

// Targets is the matrix.
var Targets = []Target{
	{"linux", "amd64"},
	{"linux", "arm64"},
	{"linux", "riscv64"},
	{"windows", "amd64"},
	{"windows", "arm64"},
	{"darwin", "amd64"},
	{"darwin", "arm64"},
	{"freebsd", "amd64"},
}

// ciTarget is where CI runs, and its tests natively.
var ciTarget = Target{"linux", "amd64"}

// tests says where the tests run for a target, from what the targets qemu and wine do.
func (t Target) tests() string {
	for _, e := range emulated {
		if t == (Target{"linux", e.Arch}) {
			return e.String() + " under qemu-user"
		}
	}
	switch t {
	case ciTarget:
		return "natively"
	case wineTarget:
		return "under Wine"
	}
	return "not run"
}

// memfdTag makes memfd the default backend on Linux.
const memfdTag = "memfd"

// refused are targets that ZeroBuffer cannot serve: 32 bits, or the other byte order.
var refused = []Target{
	{"linux", "386"}, {"linux", "arm"}, {"linux", "s390x"},
}

// refusal is how core/layout/targets.go refuses them.
const refusal = "ZeroBuffer needs a 64-bit little-endian target"

// Matrix builds and vets every package, and compiles every test, for each target. It
// looks at what comes out, and brings the table in README.md up to date.
func Matrix(ctx context.Context) error {
	var errs []error
	rows := []string{
		"| target | backends | checked | tests run |",
		"| --- | --- | --- | --- |",
	}
	for _, t := range Targets {
		if err := t.check(ctx, ""); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t, err))
		}
		row, err := t.row(ctx)
		errs = append(errs, err)
		rows = append(rows, row)
	}
	errs = append(errs, ciTarget.check(ctx, memfdTag))
	for _, t := range refused {
		errs = append(errs, t.refuse(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return publishTable("README.md", "matrix", strings.Join(rows, "\n"), "go tool mage matrix")
}

// check does everything that can be done for a target without running its programs. With an empty
// cache most of the time goes to compiling the standard library for it, which happens once.
func (t Target) check(ctx context.Context, tags string) error {
	c := Command{Env: t.Env()}
	flag := "-tags=" + tags
	// This compiles the tests and does not link them, which takes a fifth of the time and shows
	// little: the code that they test is linked into programs below.
	_, err := c.Output(ctx, "go", "list", "-export", "-test", flag, "work")
	return errors.Join(err, c.Run(ctx, "go", "vet", flag, "work"), t.link(ctx, flag),
		t.pure(ctx, flag))
}

// link builds everything, and checks that programs for Linux are static.
func (t Target) link(ctx context.Context, flag string) error {
	c := Command{Env: t.Env()}
	if t.OS != "linux" {
		return c.Run(ctx, "go", "build", flag, "work")
	}
	dir, err := os.MkdirTemp("", "zerobuffer-matrix-")
	if err != nil {
		return fmt.Errorf("place the programs: %w", err)
	}
	defer os.RemoveAll(dir)
	// Packages that are no programs are compiled, too, and not written.
	err = c.Run(ctx, "go", "build", flag, "-o", dir+string(filepath.Separator), "work")
	if err != nil {
		return err
	}
	programs, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look at the programs: %w", err)
	}
	if len(programs) == 0 {
		return errors.New("the workspace has no program")
	}
	var errs []error
	for _, p := range programs {
		errs = append(errs, static(filepath.Join(dir, p.Name())))
	}
	return errors.Join(errs...)
}

// pure checks that cgo would change nothing outside the standard library, tests included.
func (t Target) pure(ctx context.Context, flag string) error {
	c := Command{Env: append(t.Env(), "CGO_ENABLED=1")} // or the go command leaves them out
	out, err := c.Output(ctx, "go", "list", flag, "-deps", "-test", "-f",
		"{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}", "work")
	if err == nil && out != "" {
		err = fmt.Errorf("packages that use cgo: %s", strings.Join(strings.Fields(out), ", "))
	}
	return err
}

// refuse checks that the target is refused by the compiler, with the message meant for people.
func (t Target) refuse(ctx context.Context) error {
	_, err := Command{Env: t.Env()}.Output(ctx, "go", "build", "./core/layout")
	switch {
	case err == nil:
		return fmt.Errorf("%s: core/layout compiles there, and must not", t)
	case !strings.Contains(err.Error(), refusal):
		return fmt.Errorf("%s: the compiler does not say %q: %w", t, refusal, err)
	}
	return nil
}

// row is the line of the target in the table. Its backends are those that the command is built
// with; core/inproc works everywhere.
func (t Target) row(ctx context.Context) (string, error) {
	out, err := Command{Env: t.Env()}.Output(ctx, "go", "list", "-deps", "./compat/cmd/zerobuffer")
	if err != nil {
		return "", err
	}
	backends := []string{"core/inproc"}
	for pkg := range strings.FieldsSeq(out) {
		if dir, ok := strings.CutPrefix(pkg, Root+"/backend-"); ok {
			backends = append(backends, "backend-"+dir)
		}
	}
	checked := "build, vet, tests compiled"
	if t.OS == "linux" {
		checked += ", static"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", t, strings.Join(backends, ", "), checked, t.tests()),
		nil
}
