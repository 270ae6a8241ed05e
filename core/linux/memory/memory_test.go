//go:build linux

package memory

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func TestFillReserves(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	require.NoError(t, fill(int(f.Fd()), 4096, 200_000))
	st, err := f.Stat()
	require.NoError(t, err)
	require.EqualValues(t, 204_096, st.Size())
}

// files is a system of files for [system].
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

const v2Mount = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n"

func TestMemoryOfControlGroups(t *testing.T) {
	const g = "/sys/fs/cgroup"
	for name, c := range map[string]struct {
		files files
		size  uint64
		where string // "" if there is room
		free  uint64
	}{
		"v2-own-group": {files{
			"/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": v2Mount,
			g + "/a/b/memory.max": "1000\n", g + "/a/b/memory.current": "400\n",
		}, 601, "control group " + g + "/a/b", 600},
		"v2-fits": {files{
			"/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": v2Mount,
			g + "/a/b/memory.max": "1000\n", g + "/a/b/memory.current": "400\n",
		}, 600, "", 0},
		"v2-parent": {files{
			"/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": v2Mount,
			g + "/a/b/memory.max": "max\n", g + "/a/b/memory.current": "400\n",
			g + "/a/memory.max": "500\n", g + "/a/memory.current": "450\n",
		}, 51, "control group " + g + "/a", 50},
		"v2-cached-files-make-room": {files{
			"/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": v2Mount,
			g + "/memory.max": "1000\n", g + "/memory.current": "990\n",
			g + "/memory.stat": "anon 90\nactive_file 200\ninactive_file 700\n",
		}, 911, "control group " + g, 910},
		"v2-over-limit": {files{
			"/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": v2Mount,
			g + "/memory.max": "1000\n", g + "/memory.current": "1990\n",
		}, 1, "control group " + g, 0},
		"v1": {files{
			"/proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/y\n0::/\n",
			"/proc/self/mountinfo": "35 31 0:32 / /cg/memory rw - cgroup none rw,memory\n" +
				v2Mount,
			"/cg/memory/x/memory.limit_in_bytes": "1000\n",
			"/cg/memory/x/memory.usage_in_bytes": "900\n",
			"/cg/memory/x/memory.stat":           "active_file 7\ntotal_active_file 20\n",
		}, 121, "control group /cg/memory/x", 120},
		"v1-container-sees-host-path": {files{
			"/proc/self/cgroup": "4:memory:/docker/id\n",
			"/proc/self/mountinfo": "35 31 0:32 /docker/id /cg\\040m rw shared:1 - cgroup c rw," +
				"memory\n",
			"/cg m/memory.limit_in_bytes": "1000\n", "/cg m/memory.usage_in_bytes": "900\n",
		}, 101, "control group /cg m", 100},
		"path-outside-of-mount": {files{
			"/proc/self/cgroup": "0::/../other\n", "/proc/self/mountinfo": v2Mount,
			g + "/memory.max": "10\n", g + "/memory.current": "4\n",
		}, 7, "control group " + g, 6},
		"machine": {files{
			"/proc/meminfo": "MemAvailable:  1 kB\nSwapFree: 2 kB\n",
		}, 3073, "this machine's memory", 3072},
		"nothing-known": {files{}, 1 << 60, "", 0},
		"garbage": {files{
			"/proc/self/cgroup": "x\n0::\n1:memory\n", "/proc/self/mountinfo": "x - y\n - \n",
			"/proc/meminfo": "MemFree: x\n",
		}, 1 << 60, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := system{c.files.read}.check(c.size)
			if c.where == "" {
				require.NoError(t, err)
				return
			}
			var space *driver.NoSpaceError
			require.ErrorAs(t, err, &space)
			require.ErrorIs(t, err, driver.ErrNoSpace)
			want := &driver.NoSpaceError{
				Need: c.size, Free: c.free, Where: c.where, Hint: space.Hint,
			}
			require.Empty(t, cmp.Diff(want, space))
			require.NotEmpty(t, space.Hint)
		})
	}
}

func TestMemoryOfThisSystem(t *testing.T) {
	require.NoError(t, Check(4096))
	require.ErrorIs(t, Check(1<<61), driver.ErrNoSpace)
}
