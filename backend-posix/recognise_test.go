//go:build linux

package posixshm

import (
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// bothLibraries runs a test with a buffer of each kind. The other backend makes the other kind and
// has lock files of its own.
func bothLibraries(t *testing.T, test func(t *testing.T, b, other *Backend)) {
	for _, library := range []CLibrary{Glibc, Musl} {
		t.Run(library.String(), func(t *testing.T) {
			b, other := newBackend(t), newBackend(t)
			b.library, other.library = library, Musl-library
			test(t, b, other)
		})
	}
}

// leaveSemaphores makes what a reader with the library of b leaves behind, with tokens in it.
func leaveSemaphores(t *testing.T, b *Backend, name string) {
	t.Helper()
	config := drivertest.Config(0)
	for _, path := range b.semPaths(name)[b.library] {
		m, err := makeSemaphore(semFormats[b.library], path, &config)
		require.NoError(t, err)
		require.NoError(t, m.Post(9))
		require.NoError(t, m.close())
	}
}

// sharesTokens tells whether what one side posts arrives at the other.
func sharesTokens(t *testing.T, r, w *channel) {
	t.Helper()
	require.NoError(t, w.DataReady().Post(3))
	require.EqualValues(t, 3, r.DataReady().Take(9))
	require.NoError(t, r.SpaceReady().Post(2))
	require.EqualValues(t, 2, w.SpaceReady().Take(9))
}

func TestOpenRecognisesEitherLibrary(t *testing.T) {
	bothLibraries(t, func(t *testing.T, b, other *Backend) {
		name := newName(t, b)
		r := create(t, b, name)
		for _, o := range []*Backend{b, other, newBackend(t)} {
			w := attach(t, o, name)
			require.Equal(t, b.library, w.sems[0].format.library)
			sharesTokens(t, r, w)
		}
	})
}

func TestCreateRemovesLeftoversOfEitherLibrary(t *testing.T) {
	bothLibraries(t, func(t *testing.T, b, other *Backend) {
		name := newName(t, b)
		leaveSemaphores(t, b, name)
		leaveSemaphores(t, other, name)
		r := create(t, b, name)
		for i, path := range b.semPaths(name)[b.library] {
			require.True(t, leadsTo(path, r.sems[i].cur.Load().id))
		}
		for _, path := range b.semPaths(name)[other.library] {
			require.False(t, exists(path), path)
		}
		tokens, _ := r.DataReady().State()
		require.Zero(t, tokens, "a leftover is never adopted")
		require.NoError(t, r.Remove())
		require.False(t, exists(r.sems[0].path))
	})
}

// Of two kinds the reader has mapped one. It does not matter which is younger.
func TestOpenBelievesMappingsOfReader(t *testing.T) {
	bothLibraries(t, func(t *testing.T, b, other *Backend) {
		name := newName(t, b)
		r := create(t, b, name)
		leaveSemaphores(t, other, name)
		w := attach(t, b, name)
		require.Equal(t, b.library, w.sems[0].format.library)
		sharesTokens(t, r, w)
		require.NoError(t, w.Check())
		require.Equal(t, b.library, w.sems[0].format.library)
	})
}

// Where the mappings of the reader cannot be read, the younger kind is in use.
func TestOpenBelievesYoungerSemaphores(t *testing.T) {
	bothLibraries(t, func(t *testing.T, b, other *Backend) {
		name := newName(t, b)
		r := create(t, b, name)
		o, err := layout.View(r.mem)
		require.NoError(t, err)
		o.ReaderPID.Store(1<<31 - 2) // of another PID namespace
		time.Sleep(20 * time.Millisecond)
		leaveSemaphores(t, other, name)
		w := attach(t, b, name)
		require.Equal(t, other.library, w.sems[0].format.library)
	})
}

// A writer that comes while the reader is still at work finds the leftovers only.
func TestCheckFollowsToTheOtherLibrary(t *testing.T) {
	bothLibraries(t, func(t *testing.T, b, other *Backend) {
		name := newName(t, b)
		leaveSemaphores(t, other, name)
		paths := b.semPaths(name)
		move := func(library CLibrary, from, to string) {
			for _, path := range paths[library] {
				require.NoError(t, os.Rename(path+from, path+to))
			}
		}
		move(other.library, "", "-away") // from the eyes of Create
		time.Sleep(20 * time.Millisecond)
		r := create(t, b, name)
		move(b.library, "", "-away")
		move(other.library, "-away", "")
		w := attach(t, b, name)
		require.Equal(t, other.library, w.sems[0].format.library)
		require.NoError(t, w.Check())
		got := make(chan uint32)
		go func() { got <- w.SpaceReady().Wait(10, -1) }()
		require.EqualValues(t, 9, <-got)
		go func() { got <- w.SpaceReady().Wait(1, -1) }()
		waitBlocked(&w.sems[1].semaphore)
		move(b.library, "-away", "")
		require.NoError(t, w.Check())
		require.Zero(t, <-got, "the wait on the leftover is ended")
		require.Equal(t, b.library, w.sems[0].format.library)
		sharesTokens(t, r, w)
	})
}

// The segment of a buffer called sem-w-x has the name of buffer x's musl semaphore.
func TestSegmentWithTheNameOfASemaphore(t *testing.T) {
	b := newBackend(t)
	short := newName(t, b)
	named := create(t, b, muslWritePrefix+short)
	r := create(t, b, short)
	w := attach(t, b, short)
	require.Equal(t, Glibc, w.sems[0].format.library)
	sharesTokens(t, r, w)
	require.NoError(t, named.Check())

	musl := muslBackend(t)
	require.NoError(t, r.Remove())
	_, err := musl.Create(short, drivertest.Config(1<<16))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "choose another name")
	require.NoError(t, named.Check())
	require.False(t, exists(b.segmentPath(short)))
	require.NoError(t, named.Remove())

	r = create(t, musl, short)
	_, err = b.Create(muslWritePrefix+short, drivertest.Config(1<<16))
	require.ErrorIs(t, err, fs.ErrExist)
	sharesTokens(t, r, attach(t, b, short))
}

func TestCreateRefusesUnknownLibrary(t *testing.T) {
	b := New(&Options{CLibrary: 2})
	_, err := b.Create(newName(t, b), driver.Config{Size: 4096})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "Glibc or Musl")
	require.Equal(t, "glibc", Glibc.String())
}

// Everybody may put files into the directory: those of another user than that of the segment are
// not taken for the reader's semaphores, younger or not, and whatever they replace.
func TestSemaphoresOfAnotherUserAreIgnored(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to make files of another user")
	}
	bothLibraries(t, func(t *testing.T, b, other *Backend) {
		name := newName(t, b)
		r := create(t, b, name)
		o, err := layout.View(r.mem)
		require.NoError(t, err)
		w := attach(t, b, name)
		o.ReaderPID.Store(1 << 40) // whose mappings cannot be read
		leaveSemaphores(t, other, name)
		for _, path := range b.semPaths(name)[other.library] {
			require.NoError(t, os.Chown(path, 65534, 65534))
			require.NoError(t, os.Chmod(path, 0o666))
		}
		require.NoError(t, w.Check())
		sharesTokens(t, r, w)
		sharesTokens(t, r, attach(t, b, name))

		path := b.semPaths(name)[b.library][0]
		require.NoError(t, os.Remove(path))
		leaveSemaphores(t, b, name)
		require.NoError(t, os.Chown(path, 65534, 65534))
		_, err = b.Open(name, driver.Config{})
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorContains(t, err, "belongs to user 65534, and the segment to user 0")
		require.NoError(t, os.Remove(path))
	})
}
