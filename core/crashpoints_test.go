//go:build !zbsteps

package zerobuffer_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCrashPointsAreCompiledOut looks for the names of crash points in the program: the calls are
// gone with their arguments. The text of an error shows that it would find them.
func TestCrashPointsAreCompiledOut(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	program, err := os.ReadFile(exe)
	require.NoError(t, err)
	// Joined at run time, so that this test does not put them into the program.
	join := func(words ...string) []byte { return []byte(strings.Join(words, "-")) }
	text := strings.Join([]string{"the buffer was written", "by something else"}, " ")
	require.True(t, bytes.Contains(program, []byte(text)))
	for _, name := range [][]byte{
		join("recover", "unmark"), join("second", "look"), join("look", "write", "pos"),
		join("metadata", "written"),
	} {
		require.False(t, bytes.Contains(program, name), "%s", name)
	}
}
