package build

import (
	"io"
	"strings"
	"testing"
)

// Recorded from "go test -json", cut down to the fields that are read.
const recorded = `
{"Action":"run","Package":"p/a","Test":"TestGood"}
{"Action":"output","Package":"p/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"pass","Package":"p/a","Test":"TestGood","Elapsed":0.1}
{"Action":"run","Package":"p/a","Test":"TestSkip"}
{"Action":"output","Package":"p/a","Test":"TestSkip","Output":"    a_test.go:3: no Python here\n"}
{"Action":"output","Package":"p/a","Test":"TestSkip","Output":"--- SKIP: TestSkip (0.00s)\n"}
{"Action":"skip","Package":"p/a","Test":"TestSkip","Elapsed":0}
{"Action":"pass","Package":"p/a","Elapsed":0.2}
{"ImportPath":"p/b [p/b.test]","Action":"build-output","Output":"b_test.go:5:2: undefined: x\n"}
{"ImportPath":"p/b [p/b.test]","Action":"build-fail"}
{"Action":"fail","Package":"p/b","Elapsed":0,"FailedBuild":"p/b [p/b.test]"}
go: a message that is not JSON
{"Action":"run","Package":"p/c","Test":"TestBad"}
{"Action":"output","Package":"p/c","Test":"TestBad","Output":"    c_test.go:9: want 1\n"}
{"Action":"fail","Package":"p/c","Test":"TestBad","Elapsed":0}
{"Action":"run","Package":"p/c","Test":"TestKilled"}
{"Action":"fail","Package":"p/c","Elapsed":0}
{"Action":"output","Package":"p/d","Output":"leaked: /dev/shm/x\n"}
{"Action":"fail","Package":"p/d","Elapsed":0}
{"Action":"skip","Package":"p/e","Elapsed":0}
`

func TestReadResultsCounts(t *testing.T) {
	r, err := ReadResults(strings.NewReader(recorded), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Line(), "1 passed, 4 failed, 1 skipped"; got != want {
		t.Errorf("line is %q, want %q", got, want)
	}
	if len(r.Unbuilt) != 1 || r.Unbuilt[0] != "p/b" {
		t.Errorf("unbuilt packages are %q, want p/b", r.Unbuilt)
	}
	if got, want := r.Skipped[0].Output, "a_test.go:3: no Python here"; got != want {
		t.Errorf("reason is %q, want %q", got, want)
	}
	want := []string{"p/b", "p/c TestBad", "p/c TestKilled", "p/d"}
	text := []string{"undefined: x", "want 1", "did not finish", "leaked"}
	for i, o := range r.Failed {
		if o.Name() != want[i] || !strings.Contains(o.Output, text[i]) {
			t.Errorf("failure %d is %q with %q, want %q with %q",
				i, o.Name(), o.Output, want[i], text[i])
		}
	}
}
