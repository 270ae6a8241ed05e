package build

import (
	"strings"
	"testing"
)

func TestRefuseSeesWhatCompiles(t *testing.T) {
	t.Chdir("../..")
	if err := refused[0].refuse(t.Context()); err != nil { // one is enough here
		t.Error(err)
	}
	err := Target{OS: "linux", Arch: "amd64"}.refuse(t.Context())
	if err == nil || !strings.Contains(err.Error(), "must not") {
		t.Errorf("error for a target that is served is %v", err)
	}
}

func TestRowNamesTheBackends(t *testing.T) {
	t.Chdir("../..")
	row, err := Target{"linux", "amd64", "natively"}.row(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"| linux/amd64 |", "backend-posix", "static", "| natively |"} {
		if !strings.Contains(row, part) {
			t.Errorf("row %q does not have %q", row, part)
		}
	}
}
