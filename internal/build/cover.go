package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Covered are the modules whose coverage is reported.
var Covered = []string{"./core/...", "./backend-posix/...", "./backend-memfd/..."}

// Cover runs the tests of the covered modules and prints the coverage of each of their packages
// by all tests together, so that what a backend's tests exercise in core counts for core. The
// conformance suite is test code and does not count. Processes that tests start do not count.
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
	pkgs, err := Packages(ctx, Covered, "core/drivertest")
	if err != nil {
		return err
	}
	err = RunTests(ctx, Lane{{
		Packages: Covered,
		Flags: []string{
			"-count=1", "-tags=zbsteps", "-cover", "-coverpkg=" + strings.Join(pkgs, ","),
		},
		Args: []string{"-test.gocoverdir=" + data},
	}})
	if err != nil {
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
	fmt.Println(out[strings.LastIndexByte(out, '\n')+1:]) // the last line is the total
	fmt.Printf("by line: go tool cover -html=%s\n", filepath.Join(CacheDir, "cover", "cover.out"))
	return nil
}
