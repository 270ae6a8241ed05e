package build

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// The page is made when every fault was caught, which takes minutes; this tells at once that a
// patch has come or changed since.
func TestMutantsPageIsUpToDate(t *testing.T) {
	t.Chdir("../..")
	files, err := filepath.Glob("mutants/*.patch")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d patches, %v", len(files), err)
	}
	var want strings.Builder
	want.WriteString(mutantsHead)
	for _, file := range files {
		m, err := readMutant(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&want, "| %s | %s | %s |\n", m.name(), cell(m.Rule), m.test())
	}
	if got := string(contents(mutantsFile)); got != want.String() {
		t.Errorf("%s is not what the patches say: run go tool mage mutants", mutantsFile)
	}
}
