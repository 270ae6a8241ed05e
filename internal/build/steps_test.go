package build

import (
	"fmt"
	"strings"
	"testing"
)

func TestTailKeepsTheLastLines(t *testing.T) {
	var all strings.Builder
	var last tail
	for i := range 1000 {
		line := fmt.Sprintf("line %d\n", i)
		all.WriteString(line)
		if n, err := last.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("wrote %d bytes of %d: %v", n, len(line), err)
		}
		got := string(last.lines())
		if !strings.HasSuffix(all.String(), got) || !strings.HasPrefix(got, "line ") {
			t.Fatalf("after %q it keeps %q", line, got)
		}
	}
	for _, end := range []string{"", "\n"} {
		long := tail{}
		_, _ = long.Write([]byte("before\n" + strings.Repeat("x", lastBytes) + end))
		if n := len(long.lines()); n != lastBytes {
			t.Errorf("%d bytes are kept of a line that is longer than that", n)
		}
	}
	if n := len(last.lines()); n > lastBytes || n < lastBytes-len("line 1000\n") {
		t.Errorf("%d bytes are kept of the last %d", n, lastBytes)
	}
}
