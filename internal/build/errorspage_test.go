package build

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const errorsFile = "docs/errors.md"

// errorDirs are the packages whose errors users meet.
var errorDirs = []string{
	"core", "core/driver", "core/layout",
	"backend-posix", "backend-memfd", "backend-windows", "compat/native",
}

// TestErrorsPageIsComplete looks for a section about each exported error, and for nothing else.
func TestErrorsPageIsComplete(t *testing.T) {
	t.Chdir("../..")
	sections := map[string]string{}
	for _, s := range strings.Split(string(contents(errorsFile)), "\n### ")[1:] {
		name, text, _ := strings.Cut(s, "\n")
		text, _, _ = strings.Cut(text, "\n## ")
		sections[name] = text
	}
	known := exportedErrors(t)
	for _, name := range known {
		text, ok := sections[name]
		switch {
		case name == "ErrNotFound" && strings.Contains(sections["ErrBufferNotFound"], name):
		case !ok:
			t.Errorf("%s has no section about %s", errorsFile, name)
		case !strings.Contains(text, "**Means**") || !strings.Contains(text, "**Do**"):
			t.Errorf("%s: the section about %s must say what it means and what to do",
				errorsFile, name)
		}
	}
	for name := range sections {
		if !slices.Contains(known, name) {
			t.Errorf("%s has a section about %s, which is no exported error", errorsFile, name)
		}
	}
}

// exportedErrors returns the names of all exported variables and types of errors.
func exportedErrors(t *testing.T) []string {
	t.Helper()
	isError := regexp.MustCompile(`^(Err[A-Z]\w*|[A-Z]\w*Error)$`)
	var names []string
	for _, dir := range errorDirs {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range exported(f) {
				if isError.MatchString(name) && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// exported returns the names of the exported variables and types of a file.
func exported(f *ast.File) []string {
	var names []string
	for _, decl := range f.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names = append(names, n.Name)
				}
			}
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return !ast.IsExported(n) })
}
