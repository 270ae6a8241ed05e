//go:build linux

package death

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestSegmentRemovedCrossProcess takes the segment away while each side is blocked on it, and the
// other side lives: by rm, as RemoveIPC and the resource tracker of Python do, or by another file
// in its place.
func TestSegmentRemovedCrossProcess(t *testing.T) {
	t.Parallel()
	for how, c := range map[string]struct {
		do   func(t *testing.T, path string)
		text []string
	}{
		"removed": {func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
		}, []string{"RemoveIPC", "resource tracker", "rm"}},
		"replaced": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+"-new", []byte("x"), 0o600))
			require.NoError(t, os.Rename(path+"-new", path))
			t.Cleanup(func() { _ = os.Remove(path) })
		}, []string{"another object", "look for a program that"}},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			d := newDuel(t, "posix", "ours", wheres[0], namesOf(func(s state) bool {
				return s.group == blocked || s.group == alone
			}))
			segments := "/dev/shm/" + d.buffer() + "*"
			d.round()
			time.Sleep(20 * time.Millisecond)
			paths, err := filepath.Glob(segments)
			require.NoError(t, err)
			require.Len(t, paths, len(choose(d.states)))
			done := monotonic()
			for _, path := range paths {
				c.do(t, path)
			}
			for range paths {
				line := d.survivor.Line()
				require.Contains(t, line, " removed: ")
				for _, text := range c.text {
					require.Contains(t, line, text)
				}
			}
			t.Logf("noticed after %v", time.Duration(monotonic()-done))
			d.done()
		})
	}
}

// tidyUp removes what is left of the buffers whose names start so.
func tidyUp(t *testing.T, name string) {
	t.Helper()
	paths, err := filepath.Glob("/dev/shm/*" + name + "*")
	require.NoError(t, err)
	for _, path := range paths {
		require.NoError(t, os.Remove(path))
	}
}

// TestSocketRemovedCrossProcess removes the socket of a memfd buffer, which has no other name,
// while its reader is blocked: that makes it again, and the next writer connects.
func TestSocketRemovedCrossProcess(t *testing.T) {
	t.Parallel()
	p, name := newPlace(t, "memfd"), newName()
	r, err := zerobuffer.NewReader(p.backend(), name+"read-frame", patient())
	require.NoError(t, err)
	defer r.Close()
	read := make(chan error)
	go func() { read <- readFrame(side{r: r}) }()
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, os.Remove(filepath.Join(p.dir, name+"read-frame")))
	v := begin(t, nil, "victim", p.kind, p.dir, name, "read-frame", "ours")
	require.Equal(t, "made", v.Line())
	v.Step()
	require.Contains(t, v.Line(), "ready")
	require.NoError(t, <-read)
}
