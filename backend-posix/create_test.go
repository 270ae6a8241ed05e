//go:build linux

package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

// paths are all objects of a buffer.
func paths(b *Backend, name string) []string {
	return []string{
		b.segmentPath(name), b.semPath(semWritePrefix, name), b.semPath(semReadPrefix, name),
		filepath.Join(b.lockDirs[0], name+".lock"), filepath.Join(b.lockDirs[1], name+".lock"),
	}
}

func TestCreateMakesAndRemovesEverything(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	ch, err := b.Create(name, drivertest.Config(1<<16))
	require.NoError(t, err)
	for _, p := range paths(b, name) {
		_, st, err := lookup(p)
		require.NoError(t, err)
		require.EqualValues(t, unix.S_IFREG|0o600, st.Mode, p)
	}
	require.Len(t, ch.Memory(), 1<<16)
	var st unix.Stat_t
	require.NoError(t, unix.Stat(b.segmentPath(name), &st))
	require.GreaterOrEqual(t, st.Blocks*512, int64(1<<16), "all pages are reserved")
	require.NoError(t, ch.Remove())
	for _, p := range paths(b, name) {
		require.False(t, exists(p), p)
	}
	ch.Memory()[0] = 1 // still mapped
	require.NoError(t, ch.Remove())
	require.NoError(t, ch.Check())
	require.NoError(t, ch.Close())
	require.NoError(t, ch.Close())
	require.ErrorIs(t, ch.Check(), os.ErrClosed)
	require.ErrorIs(t, ch.Liveness().Claim(driver.Writer), os.ErrClosed)
}

func TestCreateModeAndGroup(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may give objects to a group that it is not in")
	}
	old := unix.Umask(0o777)
	defer unix.Umask(old)
	b := newBackend(t)
	requireLockDir(t, b.lockDirs[0])
	requireLockDir(t, b.lockDirs[1])
	name := newName(t, b)
	config, group := drivertest.Config(1<<16), 12345
	config.Mode, config.Group = 0o664, &group
	ch, err := b.Create(name, config)
	require.NoError(t, err)
	closeLater(t, ch)
	for _, p := range paths(b, name) {
		_, st, err := lookup(p)
		require.NoError(t, err)
		require.EqualValues(t, unix.S_IFREG|0o664, st.Mode, p)
		require.EqualValues(t, group, st.Gid, p)
	}
}

func TestCreateRefusesLiveReader(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	c := create(t, b, name)
	_, err := b.Create(name, drivertest.Config(1<<16))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, fmt.Sprint(os.Getpid()))
	// A program that cannot see our lock files must leave the buffer alone as well.
	_, err = newBackend(t).Create(name, drivertest.Config(1<<16))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, fmt.Sprint(os.Getpid()))
	for i, s := range c.sems {
		require.True(t, leadsTo(s.path, s.cur.Load().id), i)
	}
	require.NoError(t, c.Check())
}

func TestCreateFailingFormatLeavesNothing(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	broken := errors.New("broken")
	_, err := b.Create(name, driver.Config{
		Size: 4096, Format: func([]byte, uint64) error { return broken },
	})
	require.ErrorIs(t, err, broken)
	for _, p := range paths(b, name) {
		require.False(t, exists(p), p)
	}
	for _, size := range []uint64{0, 127, 1 << 62, 1<<64 - 1} {
		_, err = b.Create(name, driver.Config{Size: size})
		require.Error(t, err)
	}
	for _, p := range paths(b, name) {
		require.False(t, exists(p), p)
	}
}

func TestCreateReplacesLeftoverSemaphores(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	for _, p := range paths(b, name)[1:3] {
		require.NoError(t, os.WriteFile(p, []byte(strings.Repeat("x", 77)), 0o400))
	}
	c := create(t, b, name)
	for _, s := range c.sems {
		tokens, waiters := s.State()
		require.Zero(t, tokens)
		require.Zero(t, waiters)
		require.True(t, leadsTo(s.path, s.cur.Load().id))
	}
}

// Whatever size a program has given to the semaphores of a reader that was killed then, they are
// leftovers: no segment is a file that nobody has open.
func TestCreateReplacesResizedSemaphoresCrossProcess(t *testing.T) {
	for _, size := range []int64{0, 31, 128, 4096, 1 << 16} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			b := newBackend(t)
			name := newName(t, b)
			r := start(t, b, nil, "reader", name)
			r.Line()
			for _, p := range paths(b, name)[1:3] {
				require.NoError(t, os.Truncate(p, size))
			}
			r.Kill()
			c := create(t, b, name)
			require.NoError(t, c.Check())
			sharesTokens(t, c, attach(t, b, name))
		})
	}
}

func TestCreateLeavesForeignObjectsAlone(t *testing.T) {
	kinds := map[string]func(t *testing.T, path string){
		"directory": func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o755)) },
		"symlink": func(t *testing.T, path string) {
			require.NoError(t, os.Symlink("/etc/passwd", path))
		},
		"dangling-symlink": func(t *testing.T, path string) {
			require.NoError(t, os.Symlink("/dev/shm/"+prefix+"nowhere", path))
		},
		"named-pipe": func(t *testing.T, path string) {
			require.NoError(t, unix.Mkfifo(path, 0o644))
		},
		"foreign-file": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("something else entirely"), 0o644))
		},
	}
	for kind, mk := range kinds {
		for i, object := range []string{"segment", "semaphore"} {
			if kind == "foreign-file" && i == 1 {
				continue // a regular file in a semaphore's place is a leftover
			}
			t.Run(kind+"/"+object, func(t *testing.T) {
				b := newBackend(t)
				name := newName(t, b)
				path := paths(b, name)[i]
				mk(t, path)
				before, st, err := lookup(path)
				require.NoError(t, err)
				_, err = b.Create(name, drivertest.Config(1<<16))
				require.ErrorIs(t, err, fs.ErrExist)
				require.NotErrorIs(t, err, driver.ErrReaderConnected)
				after, st2, err2 := lookup(path)
				require.NoError(t, err2)
				require.Equal(t, before, after)
				require.Equal(t, st.Ctim, st2.Ctim)
				for _, p := range paths(b, name) {
					require.Equal(t, p == path, exists(p), p)
				}
			})
		}
	}
}

// Of many programs that create one name at once, exactly one may win, and its objects are whole.
// Half of them have other lock files, as programs in other containers have.
func TestCreateRaceConcurrentSafe(t *testing.T) {
	bs := []*Backend{newBackend(t), newBackend(t), newBackend(t)}
	name := newName(t, bs[0])
	for range 15 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []*channel
		for i := range 6 {
			wg.Go(func() {
				ch, err := bs[i%len(bs)].Create(name, drivertest.Config(1<<14))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, ch.(*channel))
				} else if !errors.Is(err, driver.ErrReaderConnected) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, won, 1)
		require.NoError(t, won[0].Check())
		for _, s := range won[0].sems {
			require.True(t, leadsTo(s.path, s.cur.Load().id))
		}
		require.NoError(t, won[0].Remove())
		require.NoError(t, won[0].Close())
	}
}

func TestCreateInvalidName(t *testing.T) {
	b := newBackend(t)
	for _, name := range []string{"", ".", "..", "a/b", "a\x00b", strings.Repeat("x", 246)} {
		_, err := b.Create(name, drivertest.Config(4096))
		require.ErrorIs(t, err, driver.ErrInvalidName, name)
		_, err = b.Open(name, driver.Config{})
		require.ErrorIs(t, err, driver.ErrInvalidName, name)
	}
	long := prefix + strings.Repeat("x", 245-len(prefix))
	create(t, b, long)
	attach(t, b, long)
}

// File systems without nameless files get a temporary name first.
func TestCreateWithTemporaryName(t *testing.T) {
	dir := t.TempDir()
	f := &file{}
	require.NoError(t, f.openTemp(dir))
	var st unix.Stat_t
	require.NoError(t, unix.Fstat(f.fd, &st))
	f.id = idOf(&st)
	require.NoError(t, f.link(filepath.Join(dir, "x")))
	require.Equal(t, unix.EEXIST, f.link(filepath.Join(dir, "x")))
	f.close()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// What somebody has put under the name of a new file is neither followed nor opened.
func TestNewFileFollowsNothing(t *testing.T) {
	dir := t.TempDir()
	for name, put := range map[string]func(path string) error{
		"link":     func(path string) error { return os.Symlink(filepath.Join(dir, "target"), path) },
		"dangling": func(path string) error { return os.Symlink(filepath.Join(dir, "nowhere"), path) },
		"pipe":     func(path string) error { return unix.Mkfifo(path, 0o600) },
		"file":     func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "target"), []byte("precious"), 0o600))
		path := filepath.Join(dir, name)
		require.NoError(t, put(path))
		_, err := openNew(unix.AT_FDCWD, path)
		require.Equal(t, unix.EEXIST, err, name)
		require.False(t, exists(filepath.Join(dir, "nowhere")))
		text, err := os.ReadFile(filepath.Join(dir, "target"))
		require.NoError(t, err)
		require.Equal(t, "precious", string(text))
	}
}
