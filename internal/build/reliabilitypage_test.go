package build

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReliabilityPageNamesTests looks for each test that the page names.
func TestReliabilityPageNamesTests(t *testing.T) {
	t.Chdir("../..")
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`").
		FindAllStringSubmatch(string(contents("docs/reliability.md")), -1)
	if len(names) == 0 {
		t.Fatal("the page names no test")
	}
	tests := testSources(t)
	for _, name := range names {
		if !strings.Contains(tests, "\nfunc "+name[1]+"(") {
			t.Errorf("there is no test %s, which docs/reliability.md names", name[1])
		}
	}
}

// testSources is the text of all tests.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, "_test.go") {
			all.Write(contents(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
