package posixshm

import (
	"os"
	"path"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Options says where the objects of the buffers live. Both sides must use the same directories.
// The zero value is what the C++, C# and Python programs use.
type Options struct {
	// ShmDir is the directory of the segments and semaphores; empty means /dev/shm. It has to be
	// on a tmpfs if programs of other languages take part.
	ShmDir string
	// TempDir is the parent of the directory "zerobuffer" that holds the lock files. Empty means
	// /tmp, and for the lock file of the C# programs $TMPDIR if that is set.
	TempDir string
	// CLibrary is the C library of the programs that are to connect to the buffers that Create
	// makes. The zero value is [Glibc]; programs of this module connect to either. Open needs no
	// choice, it recognises what the reader has made.
	CLibrary CLibrary
}

// Backend makes and opens buffers in POSIX shared memory. It has no state of its own and is safe
// for concurrent use.
type Backend struct {
	shmDir  string
	library CLibrary
	// lockDirs are the directories of the lock files: C++ and Python, then C#.
	lockDirs [2]string
}

var _ driver.Backend = (*Backend)(nil)

// New returns the backend. A nil opts means the defaults of [Options].
func New(opts *Options) *Backend {
	if opts == nil {
		opts = &Options{}
	}
	shm, tmp, tmpCS := opts.ShmDir, opts.TempDir, opts.TempDir
	if shm == "" {
		shm = "/dev/shm"
	}
	if tmp == "" {
		tmp = "/tmp"
		if tmpCS = os.Getenv("TMPDIR"); tmpCS == "" {
			tmpCS = tmp
		}
	}
	return &Backend{
		shmDir:   shm,
		library:  opts.CLibrary,
		lockDirs: [2]string{path.Join(tmp, "zerobuffer"), path.Join(tmpCS, "zerobuffer/locks")},
	}
}

// Name returns "posix".
func (b *Backend) Name() string { return "posix" }

// Create makes the buffer for a reader; see [driver.Backend]. It takes the lock files, removes
// what a dead reader left under this name, makes the semaphores and links the complete segment.
// Besides the errors of the interface it returns one that matches [driver.ErrNoSpace] (a
// [*driver.NoSpaceError]) when the memory is not there, [driver.ErrPermission] when objects of
// another user stand in the way, and [io/fs.ErrExist] when something that is no buffer has the
// name; that is not removed.
func (b *Backend) Create(name string, config driver.Config) (driver.Channel, error) {
	return b.create(name, config)
}

// Open opens the buffer that a reader has made; see [driver.Backend]. Nothing is changed. The
// error matches [driver.ErrNotFound], with similar names in its text, [driver.ErrNotReady] while
// the reader has not made everything yet, and [driver.ErrPermission], with owner and mode.
func (b *Backend) Open(name string, config driver.Config) (driver.Channel, error) {
	return b.open(name, config)
}
