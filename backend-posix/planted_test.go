//go:build linux

package posixshm

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Another user can put anything into /dev/shm and /tmp, under names that ours will use. These tests
// do it as that user, in mounts of their own: the program is root, or a third user.

const (
	attacker   = 65534
	plantName  = "planted"
	precious   = "precious"
	nowhere    = "/tmp/nowhere"
	preciousAt = "/tmp/precious"
)

var victims = []uint32{0, 65533}

// scene is a machine of its own with a victim, who has a file and a directory that others would
// like to spoil.
type scene struct {
	t      *testing.T
	b      *Backend
	victim uint32
	dir    string // of the victim
}

// inScene runs a test as each victim.
func inScene(t *testing.T, test func(t *testing.T, s *scene)) {
	for _, victim := range victims {
		t.Run("victim-"+strconv.Itoa(int(victim)), func(t *testing.T) {
			testproc.PrivateMounts(t, []string{"/dev/shm", "/tmp"}, func() {
				s := &scene{
					t: t, b: New(&Options{TempDir: "/tmp"}), victim: victim, dir: "/tmp/victim",
				}
				require.NoError(t, os.WriteFile(preciousAt, []byte(precious), 0o600))
				require.NoError(t, os.Mkdir(s.dir, 0o755))
				for _, path := range []string{preciousAt, s.dir} {
					require.NoError(t, os.Chown(path, int(victim), int(victim)))
				}
				test(t, s)
				s.requireUnspoilt()
			})
		})
	}
}

// requireUnspoilt looks at what belongs to the victim.
func (s *scene) requireUnspoilt() {
	s.t.Helper()
	text, err := os.ReadFile(preciousAt)
	require.NoError(s.t, err)
	require.Equal(s.t, precious, string(text))
	for path, mode := range map[string]uint32{
		preciousAt: unix.S_IFREG | 0o600, s.dir: unix.S_IFDIR | 0o755,
	} {
		_, st, err := lookup(path)
		require.NoError(s.t, err)
		require.Equal(s.t, mode, st.Mode, path)
	}
	inside, err := os.ReadDir(s.dir)
	require.NoError(s.t, err)
	require.Empty(s.t, inside)
	require.False(s.t, exists(nowhere), "a dangling link was followed")
}

// plant has the attacker put something at path.
func (s *scene) plant(kind, path, target string) *planted {
	s.t.Helper()
	p := &planted{
		Child: testproc.Plant(s.t, attacker, kind, path, target), t: s.t, path: path,
	}
	var err error
	_, p.st, err = lookup(path)
	require.NoError(s.t, err)
	require.EqualValues(s.t, attacker, p.st.Uid)
	return p
}

// run starts a command as the victim and returns what it says first.
func (s *scene) run(command ...string) (*testproc.Child, string) {
	s.t.Helper()
	c := testproc.Prepare(s.t, command[0], append(s.b.dirs(), command[1:]...)...)
	c.AsUser(s.victim).Begin()
	line := c.Line()
	return c, line
}

// planted is what the attacker has put somewhere.
type planted struct {
	*testproc.Child
	t    *testing.T
	path string
	st   *unix.Stat_t
}

// requireUntouched looks whether it is still what it was, and ends the attacker.
func (p *planted) requireUntouched() {
	p.t.Helper()
	_, st, err := lookup(p.path)
	require.NoError(p.t, err, "it was removed")
	st.Atim = p.st.Atim
	require.Equal(p.t, p.st, st, "it was changed")
	p.Kill()
}

// fakeSegment is the path of a file that looks like the segment of a dead reader.
func (s *scene) fakeSegment() string {
	s.t.Helper()
	g, err := layout.NewGeometry(0, 4096)
	require.NoError(s.t, err)
	mem := make([]byte, g.SegmentSize())
	_, err = layout.Format(mem, g, 1<<22+1) // no process has this number
	require.NoError(s.t, err)
	path := "/tmp/fake-segment"
	require.NoError(s.t, os.WriteFile(path, mem, 0o644))
	return path
}

// Whatever another user has put in the place of a segment or of a semaphore, it is not followed,
// waited for, changed or removed, and the error says what and whose it is.
func TestPlantedObjectsCrossProcess(t *testing.T) {
	kinds := []struct{ kind, target, says string }{
		{"link", preciousAt, "symbolic link"},
		{"link", nowhere, "symbolic link"},
		{"link", "/tmp/pipe", "symbolic link"},
		{"link", "/tmp/victim", "symbolic link"},
		{"pipe", "", "named pipe"},
		{"directory", "", "directory"},
		{"file", "", ""},
		{"hard-link", "", ""},
		{"empty", "", ""},
		{"zeros", "", ""},
		{"leased", "", ""},
		{"copy", "/tmp/fake-segment", ""},
	}
	inScene(t, func(t *testing.T, s *scene) {
		require.NoError(t, unix.Mkfifo("/tmp/pipe", 0o666))
		s.fakeSegment()
		all := paths(s.b, plantName)[:3]
		for i, path := range all {
			for _, k := range kinds {
				t.Log(path, k.kind, k.target)
				p := s.plant(k.kind, path, k.target)
				c, said := s.run("cycle", plantName)
				require.Contains(t, said, path)
				require.Contains(t, said, k.says)
				require.Contains(t, said, strconv.Itoa(attacker), "whose it is")
				matches, _, _ := strings.Cut(said, ":")
				require.NotContains(t, matches, "reader", "nobody is connected")
				c.End()
				if i == 0 {
					c, said = s.run("open", plantName)
					require.NotContains(t, said, "<nil>")
					c.Kill()
				}
				for _, other := range all {
					require.Equal(t, other == path, exists(other), other)
				}
				p.requireUntouched()
				require.NoError(t, os.Remove(path))
				_ = os.Remove(path + "-linked")
			}
		}
	})
}

// The same for lock files. They are there for peers, so a buffer is made without one if it must be,
// and only somebody who holds the lock stands in the way.
func TestPlantedLockFilesCrossProcess(t *testing.T) {
	kinds := []struct{ kind, target string }{
		{"link", preciousAt},
		{"link", nowhere},
		{"link", "/tmp/victim"},
		{"pipe", ""},
		{"directory", ""},
		{"file", ""},
		{"hard-link", ""},
		{"empty", ""},
		{"leased", ""},
		{"locked", ""},
	}
	inScene(t, func(t *testing.T, s *scene) {
		for _, dir := range s.b.lockDirs {
			requireLockDir(t, dir)
		}
		for _, path := range paths(s.b, plantName)[3:] {
			for _, k := range kinds {
				t.Log(path, k.kind, k.target)
				p := s.plant(k.kind, path, k.target)
				c, said := s.run("cycle", plantName)
				if k.kind == "locked" || k.kind == "leased" {
					require.Contains(t, said, "lock file is held by another program, it belongs to user 65534")
				} else {
					require.Equal(t, ": <nil>", said)
					c.Step()
					require.Equal(t, ": <nil>", c.Line(), "Check")
					c.Step()
					require.Equal(t, ": <nil>", c.Line(), "Close")
				}
				c.End()
				p.requireUntouched()
				require.NoError(t, os.Remove(path))
				_ = os.Remove(path + "-linked")
				requireEmptyShm(t)
			}
		}
	})
}

func requireEmptyShm(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir("/dev/shm")
	require.NoError(t, err)
	require.Empty(t, left)
}

// The same for the directories of the lock files.
func TestPlantedLockDirectoriesCrossProcess(t *testing.T) {
	const top, below = "/tmp/zerobuffer", "/tmp/zerobuffer/locks"
	type thing struct{ kind, path, target string }
	cases := [][]thing{
		{{"link", top, "/tmp/victim"}},
		{{"link", top, nowhere}},
		{{"pipe", top, ""}},
		{{"file", top, ""}},
		{{"directory", top, ""}},
		{{"open-directory", top, ""}, {"link", below, "/tmp/victim"}},
		{{"open-directory", top, ""}, {"link", below, nowhere}},
		{{"open-directory", top, ""}, {"pipe", below, ""}},
		{{"open-directory", top, ""}, {"directory", below, ""}},
		{{"open-directory", top, ""}, {"link", top + "/planted.lock", preciousAt}},
	}
	inScene(t, func(t *testing.T, s *scene) {
		for _, things := range cases {
			t.Log(things)
			var all []*planted
			for _, p := range things {
				all = append(all, s.plant(p.kind, p.path, p.target))
			}
			_, before, err := lookup(top)
			require.NoError(t, err)
			c, said := s.run("cycle", plantName)
			require.Equal(t, ": <nil>", said)
			for _, what := range []string{"Check", "Close"} {
				c.Step()
				require.Equal(t, ": <nil>", c.Line(), what)
			}
			c.End()
			_, after, err := lookup(top)
			require.NoError(t, err)
			require.Equal(t, before.Mode, after.Mode, "chmod of what is not ours")
			for i, p := range all {
				if i == len(all)-1 && things[i].kind != "directory" && things[i].kind != "open-directory" {
					p.requireUntouched()
				}
			}
			s.requireUnspoilt()
			requireEmptyShm(t)
			require.NoError(t, os.RemoveAll(top))
		}
	})
}

// While the buffer lives, its lock files are in a directory of the attacker, who removes them and
// puts something else there.
func TestPlantedWhileAliveCrossProcess(t *testing.T) {
	inScene(t, func(t *testing.T, s *scene) {
		for _, k := range []struct{ kind, target string }{
			{"link", preciousAt}, {"link", nowhere}, {"pipe", ""}, {"file", ""},
		} {
			t.Log(k.kind, k.target)
			s.plant("open-directory", s.b.lockDirs[0], "")
			s.plant("open-directory", s.b.lockDirs[1], "")
			c, said := s.run("cycle", plantName)
			require.Equal(t, ": <nil>", said)
			var all []*planted
			for _, path := range paths(s.b, plantName)[3:] {
				require.True(t, exists(path))
				require.NoError(t, os.Remove(path)) // as the owner of the directory may
				all = append(all, s.plant(k.kind, path, k.target))
			}
			for _, what := range []string{"Check", "Close"} {
				c.Step()
				require.Equal(t, ": <nil>", c.Line(), what)
			}
			c.End()
			for _, p := range all {
				p.requireUntouched()
			}
			requireEmptyShm(t)
			require.NoError(t, os.RemoveAll(s.b.lockDirs[0]))
		}
	})
}

// The owner of /tmp/zerobuffer exchanges what is in it again and again. Whoever looks at a name
// first and uses it then is led to the directory of another.
func TestLockDirectoryIsExchangedCrossProcess(t *testing.T) {
	inScene(t, func(t *testing.T, s *scene) {
		s.plant("open-directory", "/tmp/zerobuffer", "")
		swapper := testproc.Prepare(t, "swap", "/tmp/zerobuffer/locks", "/tmp/victim")
		swapper.AsUser(attacker).Begin()
		swapper.Ready()
		c := testproc.Prepare(t, "lock-storm", append(s.b.dirs(), plantName, "3000")...)
		c.AsUser(s.victim).Begin()
		require.Equal(t, "done", c.Line())
		c.End()
		swapper.Kill()
	})
}
