package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

// update makes the tests write the programs into the README instead of comparing them.
var update = flag.Bool("update", false, "copy the examples into the README")

const readme = "../README.md"

// block matches the code after a marker such as "<!-- example: reader -->".
func block(name string) *regexp.Regexp {
	return regexp.MustCompile("(?s)(<!-- example: " + name + " -->\\s*```go\n)(.*?)(```)")
}

func TestREADMEShowsTheExamples(t *testing.T) {
	for _, name := range []string{"reader", "writer"} {
		t.Run(name, func(t *testing.T) {
			program, err := os.ReadFile(filepath.Join(name, "main.go"))
			require.NoError(t, err)
			text, err := os.ReadFile(readme)
			require.NoError(t, err)
			found := block(name).FindSubmatchIndex(text)
			require.NotNil(t, found, "README.md has no go block after <!-- example: %s -->", name)
			if *update {
				updated := append(bytes.Clone(text[:found[4]]), program...)
				updated = append(updated, text[found[5]:]...)
				require.NoError(t, os.WriteFile(readme, updated, 0o644))
				return
			}
			diff := cmp.Diff(string(program), string(text[found[4]:found[5]]))
			if diff != "" {
				t.Errorf("README.md differs from examples/%s/main.go; to copy it there: "+
					"go test ./examples -update\n(-program +README)\n%s", name, diff)
			}
		})
	}
}

// The programs of the README are compiled as they stand there, but for the name of the buffer,
// which a buffer of the machine may have, and moved ten frames: by that name, and by addresses.
func TestCrossProcessREADMEExamples(t *testing.T) {
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
	name := fmt.Sprintf("zerobuffer-readme-%d", os.Getpid())
	reader, writer := compile(t, "reader", name), compile(t, "writer", name)
	moveTenFrames(t, reader, writer)
	for _, scheme := range native.Schemes() {
		moveTenFrames(t, reader, writer, scheme+":"+name+"-"+scheme)
	}
	left, err := filepath.Glob("/dev/shm/*" + name + "*")
	require.NoError(t, err)
	require.Empty(t, left)
}

// moveTenFrames runs the two programs and compares what the reader prints.
func moveTenFrames(t *testing.T, readerPath, writerPath string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	reader := exec.CommandContext(ctx, readerPath, args...)
	writer := exec.CommandContext(ctx, writerPath, args...)
	var out bytes.Buffer
	reader.Stdout, reader.Stderr = &out, &out
	require.NoError(t, reader.Start())
	text, err := writer.CombinedOutput()
	require.NoError(t, err, "%s", text)
	require.NoError(t, reader.Wait(), out.String())
	var want strings.Builder
	for i := range 10 {
		fmt.Fprintf(&want, "frame %d: hello %d\n", i+1, i)
	}
	require.Equal(t, want.String(), out.String())
}

// compile builds the README's copy of a program in place of the file, with another buffer.
func compile(t *testing.T, program, buffer string) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	found := block(program).FindSubmatch(text)
	require.NotNil(t, found, "README.md has no go block after <!-- example: %s -->", program)
	code := bytes.ReplaceAll(found[2], []byte(`"camera"`), fmt.Appendf(nil, "%q", buffer))

	dir := t.TempDir()
	copied := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(copied, code, 0o600))
	original, err := filepath.Abs(filepath.Join(program, "main.go"))
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: copied}})
	require.NoError(t, err)
	replacements := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(replacements, overlay, 0o600))

	binary := filepath.Join(dir, program+".exe") // Windows starts no other
	build := exec.Command("go", "build", "-overlay", replacements, "-o", binary, "./"+program)
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}
