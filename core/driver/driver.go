// Package driver defines what a backend provides: memory, two semaphores and a sign of life. The
// interfaces are small on purpose. A backend maps, waits, wakes, claims and tells who is alive;
// it knows nothing of frames, positions and free bytes, which exist once, in package zerobuffer.
//
// Programs use package zerobuffer; this package is for those who write a backend. A backend is
// complete when it passes the suite of package drivertest.
package driver

import (
	"io/fs"
	"log/slog"
	"time"
)

// Backend makes and opens the channels of one kind: POSIX shared memory, named sections, memfd.
// Its methods are safe for concurrent use.
type Backend interface {
	// Name is the short name of the kind, such as "posix".
	Name() string

	// Create makes the channel for the reader that owns it and claims the reader's role. The
	// segment becomes visible to others only when it is complete: Create calls config.Format on
	// the zeroed memory before that. What a dead reader left under this name is removed first;
	// what belongs to a live one is not touched, and the error matches [ErrReaderConnected].
	Create(name string, config Config) (Channel, error)

	// Open opens the channel that a reader has made, and claims nothing. The error matches
	// [ErrNotFound] when there is none, and [ErrNotReady] while it is being made.
	Open(name string, config Config) (Channel, error)
}

// Config says how a channel is made or opened.
type Config struct {
	// Size is the size of the segment in bytes; only Create looks at it.
	Size uint64
	// Format is called by Create with the zeroed memory, before anyone else can see it, and with
	// the PID of this process as [Liveness].PID gives it.
	Format func(mem []byte, pid uint64) error
	// Mode is the permission of the objects that Create makes; 0 means 0600. The umask does not
	// cut it.
	Mode fs.FileMode
	// Group is the numeric group that gets the objects; nil leaves the group of the process.
	Group *int
	// Logger is never nil.
	Logger *slog.Logger
}

// Channel is one side's hold on a buffer: the objects that a backend has made or opened.
type Channel interface {
	// Memory is the mapped segment. It stays mapped until Close.
	Memory() []byte
	// Maps tells whether addr is an address in memory that the channel has mapped: the segment and
	// the semaphores, those as well that were exchanged. A fault there is the peer's doing.
	Maps(addr uintptr) bool
	// Tune does what is asked for the mapping of this side, and tells of each thing whether it is
	// in effect. No byte of the memory changes: the peer may be at work. It is called at most once,
	// before the channel is used for frames.
	Tune(o MemoryOptions) MemoryStatus
	// DataReady is the semaphore that counts frames: the writer posts, the reader takes.
	DataReady() Semaphore
	// SpaceReady is the semaphore that says that space came back: the reader posts.
	SpaceReady() Semaphore
	// Liveness tells who is there.
	Liveness() Liveness

	// Check looks after the objects and is called now and then, and before a time-out is
	// concluded, by the goroutine that waits. It mends what can be mended: lock files that
	// others have removed are made again, semaphores that the reader has replaced are opened
	// again (the old ones stay valid for a wait in progress). The error matches
	// [ErrSegmentRemoved] when the name leads to another segment or to none. A side that opened
	// may then have let go of its semaphores, as it may when it learns of the reader's end by
	// itself: they have no tokens and no waiters any more, and what is posted is lost.
	Check() error
	// Remove takes away the names of the objects that Create has made, and the claims of this
	// side. The memory stays mapped. For a channel that was opened it gives up the claim only.
	Remove() error
	// Close unmaps and closes everything, after Remove. Nothing of the channel may be used
	// during or after it.
	Close() error
}

// Semaphore is a counting semaphore that another process, maybe of another language, uses too.
// One goroutine may wait; Post, State, Take and Wake are safe for concurrent use.
type Semaphore interface {
	// Take takes up to limit tokens at once, without waiting, and returns how many it took. Where
	// the system hands them out one by one, 65536 are the most of a call.
	Take(limit uint32) uint32
	// Wait takes up to limit tokens at once. While there is none it blocks until there is one,
	// until timeout is over or until Wake; then it returns 0. A timeout below 0 never ends.
	Wait(limit uint32, timeout time.Duration) uint32
	// Post adds n tokens at once and wakes the waiter. The error matches [ErrOverflow] when the
	// value cannot hold them; then nothing is added.
	Post(n uint32) error
	// State returns the number of tokens and of waiters, read in one atomic step. Where the system
	// does not tell who waits (Windows), only waits of programs of ours that hold a claim are
	// counted, and the two are read one after the other. So 0 waiters never prove that nobody
	// waits, and what is concluded from a waiter must do no harm to a reader of ours that was
	// given a token just now.
	State() (tokens, waiters uint32)
	// ResetWaiters sets the number of waiters to 0 if the state is still the given one, in one
	// atomic step. It mends what a waiter left behind that was killed.
	ResetWaiters(tokens, waiters uint32) bool
	// Wake ends a Wait that is in progress in this process, without a token. It is lost on a
	// Wait that has not yet begun to block: callers repeat it until they see the Wait end.
	Wake()
}

// Role is one of the two sides of a channel.
type Role uint8

// The two sides of a channel.
const (
	Reader Role = iota
	Writer
)

// String returns "reader" or "writer".
func (r Role) String() string {
	if r == Writer {
		return "writer"
	}
	return "reader"
}

// Liveness tells who holds which role of a channel. Its methods are safe for concurrent use.
type Liveness interface {
	// PID is what this process stores in the OIEB as its own.
	PID() uint64
	// Claim takes a role for this channel until Remove or the end of the process. The error
	// matches [ErrReaderConnected] or [ErrWriterConnected] when another program of ours, in
	// this process or another, holds it.
	Claim(role Role) error
	// Disclaim gives a claim up, and nothing else. Remove does it for all claims; on its own it
	// makes this side look like a program of another language.
	Disclaim(role Role)
	// Ours tells whether the peer in that role is a program of ours that is alive: it holds its
	// claim. It is false for programs of other languages.
	Ours(role Role) bool
	// Alive tells whether the peer in that role lives, where pid is what the OIEB says. A
	// process that may not be signalled is alive, a zombie is dead, and a process that is
	// younger than the segment is not the peer. A claim beats the PID.
	Alive(role Role, pid uint64) bool
	// Watch calls died once, from a goroutine of its own, when the process pid has ended: a hint
	// to ask Alive at once instead of at the next look. It returns nil where the system tells of no
	// such end; then there are more looks, so anything else is a promise. stop ends the watch and
	// waits for a call of died that is in progress.
	Watch(pid uint64, died func()) (stop func())
}
