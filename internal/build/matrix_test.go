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
	err := ciTarget.refuse(t.Context())
	if err == nil || !strings.Contains(err.Error(), "must not") {
		t.Errorf("error for a target that is served is %v", err)
	}
}

func TestRowNamesTheBackends(t *testing.T) {
	t.Chdir("../..")
	row, err := ciTarget.row(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"| linux/amd64 |", "backend-posix", "static", "| natively |"} {
		if !strings.Contains(row, part) {
			t.Errorf("row %q does not have %q", row, part)
		}
	}
}

func TestTargetsSayWhereTestsRun(t *testing.T) {
	for target, want := range map[Target]string{
		{"linux", "arm64"}:   "core, backend-posix, backend-memfd under qemu-user",
		{"linux", "riscv64"}: "core under qemu-user",
		{"windows", "amd64"}: "under Wine",
		{"darwin", "arm64"}:  "not run",
	} {
		if got := target.tests(); got != want {
			t.Errorf("tests of %s run %q, want %q", target, got, want)
		}
	}
}
