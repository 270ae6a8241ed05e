//go:build linux

package memfdshm

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// Another user can put anything into /tmp, and into a directory that was chosen for programs of
// many users. These tests do it as that user, in mounts of their own: the program is root, or a
// third user.

const (
	attacker   = 65534
	plantName  = "planted"
	preciousAt = "/tmp/precious"
	victimDir  = "/tmp/victim"
	nowhere    = "/tmp/nowhere"
	shared     = "/tmp/shared"
)

// cycle PLACE NAME is the child that prints how Create, Check and the end of a buffer go, in steps.
func cycle(args []string) error {
	ch, err := backendAt(args[0]).Create(args[1], drivertest.Config(1<<14))
	testproc.Say("%s", outcome(err))
	if err != nil {
		return nil //nolint:nilerr // the outcome was said
	}
	testproc.Say("%v", ch.Check())
	testproc.Say("%v", errors.Join(ch.Remove(), ch.Close()))
	return nil
}

// inScene runs a test as each victim, who has a file and a directory that others would like to
// spoil.
func inScene(t *testing.T, test func(t *testing.T, victim uint32)) {
	for _, victim := range []uint32{0, 65533} {
		t.Run("victim-"+strconv.Itoa(int(victim)), func(t *testing.T) {
			testproc.PrivateMounts(t, []string{"/tmp"}, func() {
				require.NoError(t, os.WriteFile(preciousAt, []byte("precious"), 0o600))
				require.NoError(t, os.Mkdir(victimDir, 0o755))
				require.NoError(t, os.Mkdir(shared, 0o777))
				require.NoError(t, os.Chmod(shared, 0o1777))
				for _, path := range []string{preciousAt, victimDir} {
					require.NoError(t, os.Chown(path, int(victim), int(victim)))
				}
				test(t, victim)
				requireUnspoilt(t)
			})
		})
	}
}

func requireUnspoilt(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(preciousAt)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
	require.EqualValues(t, unix.S_IFREG|0o600, lstat(t, preciousAt).Mode)
	require.EqualValues(t, unix.S_IFDIR|0o755, lstat(t, victimDir).Mode)
	require.Empty(t, entries(t, victimDir))
	_, err = os.Lstat(nowhere)
	require.ErrorIs(t, err, os.ErrNotExist, "a dangling link was followed")
}

func lstat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	require.NoError(t, unix.Lstat(path, &st))
	return st
}

// tryPlanted plants something, has the victim run a command, and looks that what was planted is as
// it was. It returns what the command said.
func tryPlanted(t *testing.T, kind, path, target string, victim uint32, command ...string) string {
	t.Helper()
	t.Log(kind, path, target)
	p := testproc.Plant(t, attacker, kind, path, target)
	before := lstat(t, path)
	c := testproc.Prepare(t, command[0], command[1:]...)
	c.Env = append(c.Env, "XDG_RUNTIME_DIR=")
	c.AsUser(victim).Begin()
	said := c.Line()
	c.Kill()
	after := lstat(t, path)
	after.Atim = before.Atim
	require.Equal(t, before, after)
	p.Kill()
	return said
}

// Whatever another user has put in the place of a socket is not followed, waited for, changed or
// removed.
func TestPlantedSocketsCrossProcess(t *testing.T) {
	const path = shared + "/" + plantName
	const owner = "65534"
	inScene(t, func(t *testing.T, victim uint32) {
		require.NoError(t, unix.Mkfifo("/tmp/pipe", 0o666))
		for _, k := range []struct{ kind, target, says string }{
			{"link", preciousAt, owner},
			{"link", nowhere, owner},
			{"link", "/tmp/pipe", owner},
			{"link", victimDir, owner},
			{"pipe", "", owner},
			{"directory", "", owner},
			{"file", "", owner},
			{"hard-link", "", owner},
			{"dead-socket", "", owner},
			{"socket", "", "a reader is connected: process "},
		} {
			said := tryPlanted(t, k.kind, path, k.target, victim, "cycle", shared, plantName)
			require.Contains(t, said, path)
			require.Contains(t, said, k.says)
			require.NoError(t, os.Remove(path))
			said = tryPlanted(t, k.kind, path, k.target, victim, "open", shared, plantName)
			require.NotEqual(t, "<nil>", said)
			if k.kind == "socket" {
				require.Contains(t, said, "permission: ", "who listens there is another user")
				require.Contains(t, said, "user 65534")
			}
			require.NoError(t, os.Remove(path))
			_ = os.Remove(path + "-linked")
		}
	})
}

// The directory of a user who has chosen none has a name that everybody can guess.
func TestPlantedDefaultDirectoryCrossProcess(t *testing.T) {
	inScene(t, func(t *testing.T, victim uint32) {
		dir := "/tmp/zerobuffer-" + strconv.Itoa(int(victim))
		for _, k := range []struct{ kind, target string }{
			{"link", victimDir},
			{"link", nowhere},
			{"pipe", ""},
			{"file", ""},
			{"directory", ""},
			{"open-directory", ""},
			{"socket", ""},
		} {
			for _, command := range []string{"cycle", "open"} {
				said := tryPlanted(t, k.kind, dir, k.target, victim, command, "default", plantName)
				require.True(t, strings.HasPrefix(said, "permission: "), said)
				require.Contains(t, said, dir)
				require.Contains(t, said, "belongs to user 65534")
				require.NoError(t, os.Remove(dir))
			}
		}
	})
}
