// Package golden reads the bytes that tests compare with.
package golden

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// Read returns the bytes of a file of hexadecimal digits, in which # starts a comment.
func Read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
