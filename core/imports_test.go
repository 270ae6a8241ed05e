package zerobuffer_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/zerobuffer-go/zerobuffer/core"

// TestImports enforces the architecture: core needs nothing but the standard library, unsafe code
// stands in *_unsafe.go files, and the ring knows neither system nor clock.
func TestImports(t *testing.T) {
	t.Parallel()
	files := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		files++
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, broken := range brokenImports(t, file, src) {
			t.Error(broken)
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, files, 20)
}

// brokenImports tells which imports of a file break the rules.
func brokenImports(t *testing.T, file string, src []byte) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
	require.NoError(t, err)
	var broken []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		if rule := brokenRule(file, imported); rule != "" {
			broken = append(broken, file+" imports "+imported+": "+rule)
		}
	}
	return broken
}

func brokenRule(file, imported string) string {
	first, _, _ := strings.Cut(imported, "/")
	own := imported == module || strings.HasPrefix(imported, module+"/")
	switch dir := path.Dir(file); {
	case strings.Contains(first, ".") && !own:
		return "core imports the standard library only"
	case imported == "C":
		return "no cgo"
	case imported == "unsafe" && !strings.HasSuffix(file, "_unsafe.go"):
		return "unsafe code belongs into a *_unsafe.go file"
	case dir == "internal/ring" && slices.Contains(
		[]string{"os", "syscall", "time", "context", "net", "log/slog"}, imported):
		return "the ring makes no system call and looks at no clock"
	case dir == "internal/ring" && own && !slices.Contains([]string{
		module + "/layout", module + "/internal/release", module + "/internal/spin",
		module + "/internal/sentinel",
		module + "/crashpoint",
	}, imported):
		return "the ring knows the layout and what processors offer"
	case dir == "crashpoint" && own:
		return "the crash points stand alone"
	case dir == "layout" && own:
		return "the layout stands alone"
	case dir == "driver" && own && imported != module+"/internal/sentinel":
		return "the interfaces stand alone"
	}
	return ""
}

// TestImportsBroken shows that each rule can be broken.
func TestImportsBroken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, imported string }{
		{"a.go", "golang.org/x/sys/unix"},
		{"a.go", "github.com/zerobuffer-go/zerobuffer/corelation"},
		{"a.go", "C"},
		{"read.go", "unsafe"},
		{"internal/ring/a.go", "time"},
		{"internal/ring/a.go", module + "/driver"},
		{"layout/a.go", module + "/driver"},
		{"crashpoint/a.go", module + "/layout"},
		{"driver/a.go", module + "/layout"},
	} {
		src := "package a\nimport " + strconv.Quote(c.imported)
		require.Len(t, brokenImports(t, c.file, []byte(src)), 1, "%v", c)
	}
	require.Empty(t, brokenImports(t, "a_unsafe.go", []byte("package a\nimport `unsafe`")))
}
