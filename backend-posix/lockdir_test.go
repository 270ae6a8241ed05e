//go:build linux

package posixshm

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

// createLogged makes a buffer that is closed at the end of the test, and returns what was said.
func createLogged(t *testing.T, b *Backend) (*channel, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	config := drivertest.Config(1 << 16)
	config.Logger = slog.New(slog.NewTextHandler(log, nil))
	ch, err := b.Create(newName(t, b), config)
	require.NoError(t, err)
	return closeLater(t, ch), log
}

func requireLockDir(t *testing.T, dir string) {
	t.Helper()
	shut, err := makeLockDir(dir)
	require.NoError(t, err)
	require.NoError(t, shut)
}

func requireMode(t *testing.T, mode uint32, path string) {
	t.Helper()
	_, st, err := lookup(path)
	require.NoError(t, err)
	require.Equal(t, unix.S_IFDIR|mode, st.Mode, path)
}

// A directory of the name "zerobuffer" may hold somebody's files, as a clone of this repository
// does. Other users are not let into it. The lock files are there all the same: programs of other
// languages look for them there.
func TestLockDirOfSomethingElseStaysShut(t *testing.T) {
	b := newBackend(t)
	top := filepath.Dir(b.lockDirs[1])
	require.NoError(t, os.Mkdir(top, 0o750))
	require.NoError(t, os.WriteFile(top+"/go.work.lock", nil, 0o600))
	require.NoError(t, os.WriteFile(top+"/README.md", nil, 0o600))
	c, log := createLogged(t, b)
	require.NoError(t, c.Check())
	requireMode(t, 0o750, top)
	requireMode(t, 0o1777, b.lockDirs[1])
	require.Equal(t, 1, strings.Count(log.String(), "README.md is no lock file"))
	require.Len(t, c.locks.held, len(b.lockDirs))
}

// What peers have made is opened to other users: it holds nothing but lock files.
func TestLockDirOfPeersIsOpened(t *testing.T) {
	b := newBackend(t)
	for _, dir := range []string{filepath.Dir(b.lockDirs[1]), b.lockDirs[1]} {
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(dir+"/other.lock", nil, 0o600))
	}
	_, log := createLogged(t, b)
	for _, dir := range b.lockDirs {
		requireMode(t, 0o1777, dir)
	}
	require.NotContains(t, log.String(), "WARN")
}

// A lock file that could not be taken is tried again, as one that is gone.
func TestCheckTakesLockFileAtLast(t *testing.T) {
	b := newBackend(t)
	top := filepath.Dir(b.lockDirs[1])
	require.NoError(t, os.WriteFile(top, nil, 0o600)) // no directory
	c, log := createLogged(t, b)
	require.Contains(t, log.String(), "cannot take a lock file")
	require.NoError(t, c.Check())
	require.NoError(t, os.Remove(top))
	for range 2 {
		require.NoError(t, c.Check())
		require.Len(t, c.locks.held, len(b.lockDirs))
	}
	for _, p := range paths(b, filepath.Base(c.path))[3:] {
		fd, err := open(p)
		require.NoError(t, err)
		require.Equal(t, unix.EWOULDBLOCK, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB))
		require.NoError(t, unix.Close(fd))
	}
	require.NoError(t, c.Remove())
	require.False(t, exists(b.lockDirs[0]+"/"+filepath.Base(c.path)+".lock"))
}
