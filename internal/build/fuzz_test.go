package build

import (
	"slices"
	"testing"
)

func TestParseFuzzTests(t *testing.T) {
	const list = "FuzzA\nFuzzB\nok  \tp/a\t0.013s\n?   \tp/b\t[no test files]\n" +
		"ok  \tp/c\t0.002s\nFuzzA\nok  \tp/d\t(cached)\n"
	want := []fuzzTest{{"p/a", "FuzzA"}, {"p/a", "FuzzB"}, {"p/d", "FuzzA"}}
	if got := parseFuzzTests(list); !slices.Equal(got, want) {
		t.Errorf("tests are %v, want %v", got, want)
	}
}
