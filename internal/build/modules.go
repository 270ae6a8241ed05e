package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Root is the path of the root module; the other modules of the workspace are named below it.
const Root = "github.com/zerobuffer-go/zerobuffer"

// Module is one module of go.work.
type Module struct {
	Path string // import path
	Dir  string // directory, relative to the root, with slashes: "core"
}

// Patterns returns "./DIR/..." of each module.
func Patterns(modules []Module) []string {
	var patterns []string
	for _, m := range modules {
		patterns = append(patterns, m.Pattern())
	}
	return patterns
}

// Pattern is the package pattern that means all packages of the module.
func (m Module) Pattern() string {
	if m.Dir == "." {
		return "./..."
	}
	return "./" + m.Dir + "/..."
}

// Modules lists the modules of go.work, the root first.
func Modules(ctx context.Context) ([]Module, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the root: %w", err)
	}
	out, err := Command{}.Output(ctx, "go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}")
	if err != nil {
		return nil, err
	}
	var modules []Module
	for line := range strings.Lines(out) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		rel, err := filepath.Rel(wd, dir)
		if err != nil {
			return nil, fmt.Errorf("place module %s: %w", path, err)
		}
		modules = append(modules, Module{Path: path, Dir: filepath.ToSlash(rel)})
	}
	slices.SortFunc(modules, func(a, b Module) int { return strings.Compare(a.Dir, b.Dir) })
	return modules, nil
}

// Packages lists the packages that the patterns mean, but those below the directories in without.
func Packages(ctx context.Context, patterns []string, without ...string) ([]string, error) {
	out, err := Command{}.Output(ctx, "go", append([]string{"list"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Fields(out), func(pkg string) bool {
		return slices.ContainsFunc(without, func(dir string) bool {
			return strings.HasPrefix(pkg+"/", Root+"/"+dir+"/")
		})
	}), nil
}

// Installed builds a tool of a pinned version once, below [CacheDir], and returns its path. Unlike
// "go run pkg@version" the result can then be run with another GOOS in its environment.
func Installed(ctx context.Context, pkg, version string) (string, error) {
	name := filepath.Base(pkg)
	bin, err := filepath.Abs(filepath.Join(CacheDir, "tools", name+"@"+version))
	if err != nil {
		return "", fmt.Errorf("place tool %s: %w", name, err)
	}
	tool := filepath.Join(bin, name+exeSuffix)
	if _, err := os.Stat(tool); err == nil {
		return tool, nil
	}
	c := Command{Env: []string{"GOBIN=" + bin, "GOWORK=off", "GOFLAGS="}}
	return tool, c.Run(ctx, "go", "install", pkg+"@"+version)
}
