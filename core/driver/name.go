package driver

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name of a buffer in bytes: "sem.sem-w-" and the name have to fit into
// the 255 bytes of a file name (wire contract, section 1).
const MaxName = 245

// CheckName tells why name cannot be the name of a buffer on any platform; the error matches
// [ErrInvalidName]. UUIDs, dots, dashes, underscores and other letters are fine.
func CheckName(name string) error {
	var reason string
	switch {
	case name == "":
		reason = "it is empty"
	case name == "." || name == "..":
		reason = "it is a directory"
	case len(name) > MaxName:
		reason = fmt.Sprintf("it has %d bytes, at most %d are possible", len(name), MaxName)
	case strings.ContainsAny(name, `/\`):
		reason = "it contains a slash or a backslash"
	case !utf8.ValidString(name):
		reason = "it is not valid UTF-8"
	case strings.IndexFunc(name, unicode.IsControl) >= 0:
		reason = "it contains a control character"
	default:
		return nil
	}
	if len(name) > 40 {
		name = name[:40] + "..."
	}
	return fmt.Errorf("%w %q: %s", ErrInvalidName, name, reason)
}
