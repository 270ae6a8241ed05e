package build

import (
	"io"
	"strings"
	"testing"
)

const twoBackends = `
{"Action":"run","Package":"p","Test":"TestConformance"}
{"Action":"run","Package":"p","Test":"TestConformance/one"}
{"Action":"output","Package":"p","Test":"TestConformance/one","Output":"    d.go:5: rule: a | b\n"}
{"Action":"pass","Package":"p","Test":"TestConformance/one"}
{"Action":"run","Package":"p","Test":"TestConformance/two"}
{"Action":"output","Package":"p","Test":"TestConformance/two","Output":"    d.go:5: rule: second\n"}
{"Action":"output","Package":"p","Test":"TestConformance/two","Output":"    d.go:9: exempt: no\n"}
{"Action":"pass","Package":"p","Test":"TestConformance/two"}
{"Action":"run","Package":"p","Test":"TestConformance/three"}
{"Action":"output","Package":"p","Test":"TestConformance/three","Output":"    d.go:5: rule: 3\n"}
{"Action":"fail","Package":"p","Test":"TestConformance/three"}
{"Action":"fail","Package":"p","Test":"TestConformance"}
{"Action":"fail","Package":"p"}
`

func TestConformanceTable(t *testing.T) {
	results, err := ReadResults(strings.NewReader(twoBackends), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	cases := addCases(nil, "x", results.Ended)
	cases = addCases(cases, "y", results.Ended[:1])
	const want = `| backend | cases | pass | exempt | other |
| --- | --- | --- | --- | --- |
| x | 3 | 1 | 1 | 1 |
| y | 1 | 1 | 0 | 0 |

| case | rule | x | y |
| --- | --- | --- | --- |
| one | a \| b | pass | pass |
| two | second | exempt: no | - |
| three | 3 | fail | - |
`
	if got := conformanceTable([]string{"x", "y"}, cases); got != want {
		t.Errorf("table is\n%swant\n%s", got, want)
	}
}

func TestSkipPattern(t *testing.T) {
	got := skipPattern([]Unfit{{"TestA", "x"}, {"TestB/c", "y"}})
	if want := "^TestA$|^TestB$/^c$"; got != want {
		t.Errorf("pattern is %q, want %q", got, want)
	}
}
