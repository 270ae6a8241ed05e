package memfdshm

import (
	"os"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Options says where readers listen and whom they let in. The zero value is for programs of one
// user on one machine.
type Options struct {
	// Dir is the directory of the sockets; both sides must use the same one. It is made with mode
	// 0700 if it is missing, its parents are not. Containers that share this directory, and
	// nothing else, can share buffers. Empty means zerobuffer below $XDG_RUNTIME_DIR or, where that
	// is not set, /tmp/zerobuffer-UID, which must belong to this user and be closed to all others.
	Dir string
	// Abstract makes the sockets have abstract names instead of paths. They leave nothing behind,
	// and everybody in the same network namespace can try to connect: only Accept decides.
	Abstract bool
	// Private makes readers listen nowhere: only connections from [Backend.Invite] get in.
	Private bool
	// Accept tells whether to deal with the program at the other end of a connection; an error
	// turns it away. A reader asks it for each writer, a writer for the reader. Nil accepts
	// programs of the same effective user only. Mode and Group of the reader's options decide
	// who may use the path of the socket, which comes first. It is called from several goroutines
	// at once, and must neither block nor close the Reader: who waits for it is not served.
	Accept func(Peer) error
	// HugePages makes the memory from huge pages of the default size (MFD_HUGETLB). If the system
	// has not enough of them in reserve, creating fails with an error that matches
	// [driver.ErrNoSpace]; nothing falls back silently.
	HugePages bool
}

// Peer is the program at the other end of a connection as the kernel knows it.
type Peer struct {
	// PID is its process, 0 if that is not visible from here (another container).
	PID int
	// UID and GID are its effective user and group.
	UID, GID int
}

// Backend makes and opens buffers in memfds. It is safe for concurrent use.
type Backend struct {
	opts  Options
	state state
}

var _ driver.Backend = (*Backend)(nil)

// New returns the backend. A nil opts means the defaults of [Options].
func New(opts *Options) *Backend {
	if opts == nil {
		opts = &Options{}
	}
	return &Backend{opts: *opts}
}

// Join returns a backend that uses one connected socket instead of listening or connecting: an
// end of [Pair], or what [Backend.Invite] returned, however it came here: inherited by a child
// process, or passed over a connection that the programs already have. One side creates the buffer
// and the other opens it; names need not agree. The backend owns f and is good for one buffer.
// Whoever has the other end is trusted.
func Join(f *os.File) *Backend {
	b := New(nil)
	b.state.join(f)
	return b
}

// Pair returns two connected sockets for [Join]: one for each of two processes. The one that is
// passed on has to be closed here: while it is open, the death of the other process goes unseen.
func Pair() (a, b *os.File, err error) { return pair() }

// Name returns "memfd".
func (b *Backend) Name() string { return "memfd" }

// Create makes the buffer for a reader and listens for its writer; see [driver.Backend]. The dead
// socket of a killed reader is taken over. The error matches [driver.ErrReaderConnected] when a
// live reader listens there, [driver.ErrNoSpace] (a [*driver.NoSpaceError]) when the memory is not
// there, [driver.ErrPermission] when the directory may not be used, and [io/fs.ErrExist] when
// something that is no socket has the name; that is never removed.
func (b *Backend) Create(name string, config driver.Config) (driver.Channel, error) {
	return b.create(name, config)
}

// Open connects to the reader of the buffer and maps its memory; see [driver.Backend]. The error
// matches [driver.ErrNotFound], with similar names in its text, [driver.ErrNotReady] while the
// reader does not answer, [driver.ErrPermission] when one side refuses the other, and
// [layout.ErrIncompatible] when the reader speaks another version of the handshake.
func (b *Backend) Open(name string, config driver.Config) (driver.Channel, error) {
	return b.open(name, config)
}

// Invite returns one end of a new connection to the buffer name, which this backend has created
// and which is not closed yet. The process that gets it, by inheritance or over a connection that
// the programs already have, opens the buffer through [Join]; no path and no right to one is
// needed. The caller closes the file when it has been passed on.
func (b *Backend) Invite(name string) (*os.File, error) { return b.invite(name) }
