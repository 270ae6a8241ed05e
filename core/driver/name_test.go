package driver_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func TestCheckNameGood(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"camera", "a", "...", ".hidden", "a.b-c_d", "-", "_", "with space", "~", "a:b", "%41",
		"123e4567-e89b-12d3-a456-426614174000",
		"{123E4567-E89B-12D3-A456-426614174000}",
		"kamera-größe", "カメラ", "📷",
		strings.Repeat("n", 245), strings.Repeat("ü", 122) + "n",
	} {
		require.NoError(t, driver.CheckName(name), "%q", name)
	}
}

func TestCheckNameBad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, text string }{
		{"empty", "", "empty"},
		{"dot", ".", "directory"},
		{"dot-dot", "..", "directory"},
		{"slash", "a/b", "slash"},
		{"leading-slash", "/a", "slash"},
		{"backslash", `a\b`, "backslash"},
		{"nul", "a\x00b", "control character"},
		{"newline", "a\n", "control character"},
		{"escape", "\x1b[31m", "control character"},
		{"delete", "a\x7f", "control character"},
		{"control-of-latin-1", "a\u0085", "control character"},
		{"invalid-utf8", "a\xffb", "UTF-8"},
		{"cut-utf8", "\xe3\x82", "UTF-8"},
		{"246-bytes", strings.Repeat("n", 246), "246 bytes, at most 245"},
		{"300-bytes", strings.Repeat("n", 300), "300 bytes, at most 245"},
		{"246-bytes-of-umlauts", strings.Repeat("ü", 123), "246 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := driver.CheckName(c.value)
			require.ErrorIs(t, err, driver.ErrInvalidName)
			require.ErrorIs(t, err, fs.ErrInvalid)
			require.ErrorContains(t, err, c.text)
			require.Less(t, len(err.Error()), 300, "the name is not cut")
			require.NotContains(t, err.Error(), "\x1b")
		})
	}
}

// TestMaxName derives the limit: the longest file name that is made of a name has 255 bytes.
func TestMaxName(t *testing.T) {
	t.Parallel()
	require.Len(t, "sem.sem-w-"+strings.Repeat("n", driver.MaxName), 255)
}

func FuzzCheckName(f *testing.F) {
	for _, name := range []string{"camera", "", "..", "a/b", "\xff", strings.Repeat("n", 246)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ok := driver.CheckName(name) == nil
		if ok && (name == "" || len(name) > 245 || strings.ContainsAny(name, "/\\\x00\n")) {
			t.Fatalf("%q passed", name)
		}
	})
}
