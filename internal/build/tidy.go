package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Tidy checks that go.mod and go.sum of every module are tidy, and that syncing the workspace
// would change nothing. It works on a copy where a tool would write.
func Tidy(ctx context.Context) error {
	modules, err := Modules(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range modules {
		c := Command{Dir: m.Dir, Env: []string{"GOWORK=off", "GOFLAGS=-mod=mod"}}
		if err := c.Run(ctx, "go", "mod", "tidy", "-diff"); err != nil {
			errs = append(errs, fmt.Errorf("%s is not tidy, run 'GOWORK=off go mod tidy' there: %w",
				m.Dir, err))
		}
	}
	return errors.Join(append(errs, syncChanges(ctx, modules))...)
}

// syncChanges runs "go work sync" in a copy of the module files and reports what it changed.
func syncChanges(ctx context.Context, modules []Module) error {
	tree, err := CopyTree(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	if err := (Command{Dir: tree}).Run(ctx, "go", "work", "sync"); err != nil {
		return err
	}
	files := []string{"go.work", "go.work.sum"}
	for _, m := range modules {
		files = append(files, filepath.Join(m.Dir, "go.mod"), filepath.Join(m.Dir, "go.sum"))
	}
	var changed []string
	for _, f := range files {
		before, after := contents(f), contents(filepath.Join(tree, f))
		if !bytes.Equal(before, after) {
			changed = append(changed, f)
		}
	}
	if len(changed) > 0 {
		return fmt.Errorf("'go work sync' changes %s: run it", strings.Join(changed, ", "))
	}
	return nil
}

// contents returns what is in a file; a missing file is an empty one.
func contents(name string) []byte {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return text
}

// CopyTree copies what git knows or would add, uncommitted work included, to a new temporary
// directory. The caller removes it.
func CopyTree(ctx context.Context) (string, error) {
	out, err := Command{}.Output(ctx, "git", "ls-files", "-z",
		"--cached", "--others", "--exclude-standard")
	if err != nil {
		return "", fmt.Errorf("list the tree: %w", err)
	}
	tree, err := os.MkdirTemp("", "zerobuffer-tree-")
	if err != nil {
		return "", fmt.Errorf("copy the tree: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		if err := copyFile(name, filepath.Join(tree, name)); err != nil {
			return "", errors.Join(fmt.Errorf("copy the tree: %w", err), os.RemoveAll(tree))
		}
	}
	return tree, nil
}

// copyFile copies a regular file with its mode. A file that was removed without telling git is
// left out.
func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, os.ErrNotExist) || (err == nil && !info.Mode().IsRegular()) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, info.Mode().Perm())
}
