package driver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestResembles(t *testing.T) {
	for _, c := range []struct {
		a, b string
		ok   bool
	}{
		{"camera", "Camera", true},
		{"camera", "camera1", true},
		{"camera", "cmera", true},
		{"camera", "my-camera", true},
		{"camera", "microphone", false},
		{"a", "b", true},
		{"ab", "xy", false},
		{"camera", "camera", false},
	} {
		_, ok := resembles(c.a, c.b)
		require.Equal(t, c.ok, ok, "%s %s", c.a, c.b)
	}
	require.Equal(t, 3, editDistance("kitten", "sitting"))
	require.Equal(t, 4, editDistance("", "abcd"))
}

func TestSimilar(t *testing.T) {
	names := []string{"xyz", "my-camera", "Camera", "cmera", "camera2", "camera", "kamera", "camel"}
	isBuffer := func(name string) bool { return !strings.HasPrefix(name, "k") }
	want := []string{`"Camera"`, `"camera2"`, `"cmera"`, `"my-camera"`}
	require.Equal(t, want, Similar("camera", names, isBuffer))
	require.Empty(t, Similar("q", []string{"abc"}, isBuffer))
	many := []string{"b", "c", "d", "e", "f", "g"}
	require.Len(t, Similar("a", many, isBuffer), maxSimilar)
}

// Everybody can fill a directory in which buffers are looked for.
func TestSimilarLooksAtSomeNamesOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range maxCompared + 10 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("camera%d", i)), nil, 0o600))
	}
	entries := ListSome(dir)
	require.Len(t, entries, maxCompared)
	names := make([]string, 2*maxCompared)
	for i := range names {
		names[i] = fmt.Sprintf("camera%d", i)
	}
	asked := 0
	Similar("camera", names, func(string) bool { asked++; return false })
	require.Equal(t, maxAsked, asked)
	far := make([]string, maxCompared, maxCompared+1)
	require.Empty(t, Similar("camera", append(far, "camra"), func(string) bool { return true }))
	require.Empty(t, ListSome(filepath.Join(dir, "missing")))
}
