package build

import (
	"os"
	"path/filepath"
	"testing"
)

const page = "before\n<!-- x -->\nold\n<!-- /x -->\nafter\n"

func TestReplaceTable(t *testing.T) {
	const want = "before\n<!-- x -->\n| a |\n<!-- /x -->\nafter\n"
	once, err := replaceTable(page, "x", "| a |\n")
	if err != nil || once != want {
		t.Errorf("page is %q (%v), want %q", once, err, want)
	}
	if twice, err := replaceTable(once, "x", "| a |"); err != nil || twice != want {
		t.Errorf("the same table changed the page to %q (%v)", twice, err)
	}
	for _, text := range []string{"", "<!-- x -->\n", "<!-- /x -->\n<!-- x -->\n"} {
		if _, err := replaceTable(text, "x", "| a |"); err == nil {
			t.Errorf("%q was taken for a page with both markers", text)
		}
	}
}

func TestPublishTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CI", "true")
	if err := publishTable(file, "x", "new", "make it"); err == nil {
		t.Error("in CI a page that differs was no error")
	}
	if got := string(contents(file)); got != page {
		t.Errorf("in CI the page became %q", got)
	}
	t.Setenv("CI", "")
	if err := publishTable(file, "x", "new", "make it"); err != nil {
		t.Error(err)
	}
	t.Setenv("CI", "true")
	if err := publishTable(file, "x", "new", "make it"); err != nil {
		t.Errorf("the page is what was made, but: %v", err)
	}
}
