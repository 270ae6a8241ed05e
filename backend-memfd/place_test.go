//go:build linux

package memfdshm

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func TestFileName(t *testing.T) {
	long := strings.Repeat("n", maxFile)
	require.Equal(t, long, fileName(long))
	a, b := fileName(long+"a"), fileName(long+"b")
	require.NotEqual(t, a, b)
	require.Equal(t, a, fileName(long+"a"))
	require.Len(t, a, maxFile+1, "so that it is never the name of another buffer")
}

func TestDefaultDir(t *testing.T) {
	dir := newDir(t)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	name := newName(t)
	c := create(t, New(nil), name)
	require.Equal(t, filepath.Join(dir, "zerobuffer", name), c.where())
	st, err := os.Stat(filepath.Join(dir, "zerobuffer"))
	require.NoError(t, err)
	require.Equal(t, fs.ModeDir|0o700, st.Mode())
	attach(t, New(nil), name)

	require.NoError(t, os.Chmod(filepath.Join(dir, "zerobuffer"), 0o755))
	_, err = New(nil).Create(name+"2", drivertest.Config(1<<12))
	require.ErrorIs(t, err, driver.ErrPermission)
	require.ErrorContains(t, err, "mode 0700")
	_, err = New(nil).Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrPermission, "whose socket may that be")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "missing"))
	_, err = New(nil).Create(name, drivertest.Config(1<<12))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "XDG_RUNTIME_DIR")
	_, err = New(&Options{Dir: filepath.Join(dir, "a", "b")}).Create(name, drivertest.Config(1<<12))
	require.ErrorContains(t, err, "make "+filepath.Join(dir, "a")+" first")
	t.Setenv("XDG_RUNTIME_DIR", "relative")
	require.NotContains(t, defaultDir(), "relative")
	t.Setenv("XDG_RUNTIME_DIR", "")
	require.Equal(t, fmt.Sprintf("/tmp/zerobuffer-%d", os.Geteuid()), defaultDir())
}

// A link in the place of the directory in /tmp would lead the sockets somewhere else.
func TestDefaultDirIsNoLink(t *testing.T) {
	dir := newDir(t)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "elsewhere"), 0o700))
	require.NoError(t, os.Symlink("elsewhere", filepath.Join(dir, "zerobuffer")))
	_, err := New(nil).Create("b", drivertest.Config(1<<12))
	require.ErrorIs(t, err, driver.ErrPermission)
}

func TestCreateLeavesOtherThingsAlone(t *testing.T) {
	dir := newDir(t)
	b := New(&Options{Dir: dir})
	path := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err := b.Create("file", drivertest.Config(1<<12))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "no socket")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
	_, err = b.Open("file", driver.Config{})
	require.Error(t, err)

	l, err := net.Listen("unix", filepath.Join(dir, "stream"))
	require.NoError(t, err)
	defer l.Close()
	_, err = b.Create("stream", drivertest.Config(1<<12))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "another program")
	_, err = b.Open("stream", driver.Config{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	conn, err := net.Dial("unix", filepath.Join(dir, "stream"))
	require.NoError(t, err, "it still listens")
	conn.Close()
}

func TestOpenNotFoundListsSimilarNames(t *testing.T) {
	dir := newDir(t)
	b := New(&Options{Dir: dir})
	create(t, b, "camera")
	_, err := b.Open("camra", driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotFound)
	require.NotErrorIs(t, err, driver.ErrNotReady)
	require.ErrorContains(t, err, `do you mean "camera"?`)
	_, err = New(&Options{Dir: filepath.Join(dir, "no")}).Open("camera", driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotFound)
}

// deadSocket leaves a socket at which nobody listens.
func deadSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
}

func TestTakeoverConcurrentSafe(t *testing.T) {
	dir := newDir(t)
	for range 20 {
		deadSocket(t, filepath.Join(dir, "b"))
		var winners atomic.Int32
		var all sync.WaitGroup
		var mu sync.Mutex
		var made []driver.Channel
		for range 4 {
			all.Go(func() {
				ch, err := New(&Options{Dir: dir}).Create("b", drivertest.Config(1<<12))
				if err == nil {
					winners.Add(1)
					mu.Lock()
					made = append(made, ch)
					mu.Unlock()
				} else if !errors.Is(err, driver.ErrReaderConnected) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, winners.Load())
		ch, err := New(&Options{Dir: dir}).Open("b", driver.Config{})
		require.NoError(t, err)
		require.NoError(t, errors.Join(ch.Remove(), ch.Close()))
		require.NoError(t, errors.Join(made[0].Remove(), made[0].Close()))
	}
}

func TestCheckMakesRemovedSocketAgain(t *testing.T) {
	dir := newDir(t)
	b := New(&Options{Dir: dir})
	c := create(t, b, "b")
	before := attach(t, b, "b")
	require.NoError(t, os.Remove(filepath.Join(dir, "b")))
	_, err := b.Open("b", driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotFound)
	require.NoError(t, c.Check())
	require.NoError(t, before.Check(), "a connection does not need the path")
	attach(t, b, "b")

	require.NoError(t, os.Remove(filepath.Join(dir, "b")))
	next := create(t, b, "b2")
	require.NoError(t, os.Rename(filepath.Join(dir, "b2"), filepath.Join(dir, "b")))
	require.ErrorIs(t, c.Check(), driver.ErrSegmentRemoved)
	require.NoError(t, c.Remove())
	require.Equal(t, []string{"b"}, entries(t, dir), "the path of another one is left alone")
	require.NoError(t, os.Remove(filepath.Join(dir, "b")))
	require.NoError(t, next.Check(), "it makes its own again")
	attach(t, b, "b2")
}

func TestModeAndGroupOfSocket(t *testing.T) {
	dir := newDir(t)
	config := drivertest.Config(1 << 12)
	group := os.Getegid()
	config.Mode, config.Group = 0o660, &group
	ch, err := New(&Options{Dir: dir}).Create("b", config)
	require.NoError(t, err)
	defer func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) }()
	st, err := os.Stat(filepath.Join(dir, "b"))
	require.NoError(t, err)
	require.Equal(t, fs.ModeSocket|0o660, st.Mode())
}

func TestRelativeDirectories(t *testing.T) {
	t.Chdir(newDir(t))
	for _, dir := range []string{"@sockets", "sub", "."} {
		b := New(&Options{Dir: dir})
		create(t, b, "b")
		attach(t, b, "b")
	}
}

// The owner of a shared directory can exchange the socket right after it was made.
func TestPermissionsOfAnotherObjectStay(t *testing.T) {
	dir := newDir(t)
	path := filepath.Join(dir, "b")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	config := drivertest.Config(1 << 12)
	config.Mode = 0o666
	require.ErrorIs(t, place{dir, "b"}.setPermissions(&config), fs.ErrExist)
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), st.Mode())
}
