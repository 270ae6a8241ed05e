//go:build linux

package posixshm

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

func TestOpenNotFoundListsSimilarNames(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	create(t, b, name+"-camera")
	create(t, b, strings.ToUpper(name))
	for wrong, near := range map[string]string{
		name:              name + "-camera",
		name + "-camra":   name + "-camera",
		name + "-Camera":  name + "-camera",
		name + "-camera2": name + "-camera",
	} {
		_, err := b.Open(wrong, driver.Config{})
		require.ErrorIs(t, err, driver.ErrNotFound)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NotErrorIs(t, err, driver.ErrNotReady)
		require.ErrorContains(t, err, `"`+near+`"`)
	}
	_, err := b.Open(prefix+"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", driver.Config{})
	require.ErrorContains(t, err, "start its reader first")
}

func TestOpenNotReady(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	for _, size := range []int64{0, 127} {
		require.NoError(t, os.WriteFile(b.segmentPath(name), make([]byte, size), 0o600))
		_, err := b.Open(name, driver.Config{})
		require.ErrorIs(t, err, driver.ErrNotReady)
	}
	require.NoError(t, os.WriteFile(b.segmentPath(name), make([]byte, 4096), 0o600))
	_, err := b.Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotReady, "without semaphores it is not ready")
	require.ErrorContains(t, err, semWritePrefix+name)
	musl := b.semPath(muslWritePrefix, name)
	require.NoError(t, os.WriteFile(musl, make([]byte, 32), 0o600))
	_, err = b.Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotReady)
	require.ErrorContains(t, err, "/"+muslReadPrefix+name, "musl's reader makes its second one now")
}

func TestOpenRefusesWhatIsNoBuffer(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	path := b.segmentPath(name)
	try := func(kind error, text string) {
		t.Helper()
		before, st, err := lookup(path)
		require.NoError(t, err)
		_, err = b.Open(name, driver.Config{})
		require.ErrorIs(t, err, kind)
		require.ErrorContains(t, err, text)
		require.NotErrorIs(t, err, driver.ErrNotFound)
		after, st2, err := lookup(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.Equal(t, st.Mtim, st2.Mtim)
		require.Equal(t, st.Ctim, st2.Ctim)
		require.NoError(t, os.Remove(path))
	}
	require.NoError(t, os.Mkdir(path, 0o700))
	try(fs.ErrInvalid, "directory")
	require.NoError(t, os.Symlink("/etc/passwd", path))
	try(fs.ErrInvalid, "symbolic link")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	try(fs.ErrInvalid, "named pipe")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("text", 1000)), 0o600))
	try(layout.ErrIncompatible, "oieb_size")
}

func TestOpenRefusesWrongSemaphore(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	c := create(t, b, name)
	for _, s := range c.sems {
		require.NoError(t, os.Rename(s.path, s.path+"-away"))
		require.NoError(t, os.WriteFile(s.path, make([]byte, 16), 0o600))
		_, err := b.Open(name, driver.Config{})
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorContains(t, err, "16 bytes")
		require.NoError(t, os.Remove(s.path))
		require.NoError(t, os.Mkdir(s.path, 0o700))
		_, err = b.Open(name, driver.Config{})
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorContains(t, err, "directory")
		require.NoError(t, os.Remove(s.path))
		require.NoError(t, os.Rename(s.path+"-away", s.path))
	}
	attach(t, b, name)
}

// The error for an object of another user says whose it is.
func TestOpenPermissionCrossProcess(t *testing.T) {
	needRoot(t)
	b := newBackend(t)
	name := newName(t, b)
	config, group := drivertest.Config(1<<16), 77
	config.Mode, config.Group = 0o660, &group
	ch, err := b.Create(name, config)
	require.NoError(t, err)
	closeLater(t, ch)
	other := func(gid uint32, command ...string) string {
		attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4711, Gid: gid}}
		c := start(t, b, attr, command...)
		return c.Line()
	}
	text := other(4711, "open", name)
	for _, part := range []string{"permission", "user 0", "group 77", "0660", "4711", "Mode"} {
		require.Contains(t, text, part)
	}
	require.Equal(t, ": <nil>", other(77, "open", name))
	text = other(4711, "create", name, "65536")
	require.Contains(t, text, "permission")
	require.NoError(t, ch.Check())
}

// A program that looks whether anybody has a leftover open holds a lease on it for a moment.
// Stopped just then it does so for longer: a writer waits until it goes on.
func TestOpenWriterWaitsForLeaseCrossProcess(t *testing.T) {
	hold := func(t *testing.T, path string) *os.File {
		t.Helper()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	for i, what := range []string{"segment", "semaphore"} {
		t.Run(what, func(t *testing.T) {
			b := newBackend(t)
			name := newName(t, b)
			r := start(t, b, nil, "reader", name)
			r.Line()
			r.Kill()
			all := paths(b, name)
			if i != 0 {
				hold(t, all[0]) // so that it does not look like a leftover
			}
			f := hold(t, all[i])
			require.Equal(t, leaseGranted, takeLease(int(f.Fd())))
			_, err := zerobuffer.NewWriter(b, name, nil)
			require.ErrorIs(t, err, zerobuffer.ErrNotReady)
			require.ErrorContains(t, err, "lease")
			if i == 0 {
				_, err = b.Create(name, drivertest.Config(1<<16))
				require.ErrorIs(t, err, fs.ErrExist)
			}
			require.NoError(t, f.Close())
			create(t, b, name)
			w, err := zerobuffer.OpenWriter(t.Context(), b, name, nil)
			require.NoError(t, err)
			require.NoError(t, w.Close())
		})
	}
}
