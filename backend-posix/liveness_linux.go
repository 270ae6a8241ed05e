package posixshm

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// liveness is the [driver.Liveness] of one channel.
type liveness struct {
	fd  int
	id  objectID
	log *slog.Logger
	// created says that this side made the segment, so that the writer is the only other party
	// that is expected to have it open.
	created bool
	birth   time.Duration

	mu       sync.Mutex
	closed   bool
	noClaims bool // the kernel refuses open-file-description locks
	held     [2]bool
	sights   [2]sight
}

// sight is what was learned about the peer in one role when its PID was seen first.
type sight struct {
	pid     uint64
	claimed bool // it held the claim: without it, it is dead
	kind    sightKind
	unsure  bool // nobody could tell whether that process has mapped the segment
	pidfd   int  // of that process, -1 if there is none
	start   time.Duration
}

// sightKind is what the first look at a PID showed.
type sightKind uint8

const (
	unseen    sightKind = iota
	invisible           // no process of our PID namespace, or this process itself
	impostor            // a process that is younger than the segment that it should have made
	stranger            // a process that has not mapped the segment
	process             // the peer, as far as one can tell
)

func newLiveness(fd int, id objectID, created bool, log *slog.Logger) *liveness {
	l := &liveness{fd: fd, id: id, created: created, birth: birthOf(fd), log: log}
	for i := range l.sights {
		l.sights[i].pidfd = -1
	}
	return l
}

func (l *liveness) PID() uint64 { return uint64(os.Getpid()) }

func (l *liveness) Claim(role driver.Role) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("claim role %v: %w", role, os.ErrClosed)
	}
	if l.held[role] {
		return nil
	}
	switch err := setClaim(l.fd, role); {
	case err == nil:
	case errors.Is(err, unix.EAGAIN):
		return claimError(role, readHeader(l.fd))
	default:
		// Peers do without claims, too: the PID in the OIEB has to do.
		l.noClaims = true
		l.log.Warn("cannot lock a byte of the segment: only the PID shows that this side lives",
			"role", role, "error", err)
	}
	l.held[role] = true
	return nil
}

func (l *liveness) Disclaim(role driver.Role) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[role] && !l.closed {
		dropClaim(l.fd, role)
	}
	l.held[role] = false
}

// claimError names who holds a role.
func claimError(role driver.Role, h header) error {
	if role == driver.Writer {
		return fmt.Errorf("%w: process %d", driver.ErrWriterConnected, h.writerPID)
	}
	return fmt.Errorf("%w: process %d", driver.ErrReaderConnected, h.readerPID)
}

func (l *liveness) Ours(role driver.Role) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed && claimedByOther(l.fd, role)
}

func (l *liveness) Alive(role driver.Role, pid uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	s := &l.sights[role]
	if s.pid != pid {
		s.forget()
		s.pid = pid
	}
	switch {
	case claimedByOther(l.fd, role):
		s.claimed = true
		return true
	case pid == 0, s.claimed:
		return false
	}
	if s.kind == unseen {
		l.look(role, s)
	}
	if s.kind != process {
		return l.aliveUnseen(role, s)
	}
	if s.running() {
		return !s.unsure || !l.nobody(role)
	}
	// Its number may belong to a new peer by now: only one that has mapped the segment counts.
	if mapped, ok := maps(strconv.FormatUint(pid, 10), l.id); ok && mapped && alivePID(pid) {
		s.forget()
		return true
	}
	return false
}

// look takes a first look at the process that should be the peer and keeps hold of it, so that
// another process that gets its number later is not taken for it.
func (l *liveness) look(role driver.Role, s *sight) {
	s.kind = invisible
	// A claim would have shown a peer in this process: the number is from another namespace.
	if !visible(s.pid) || s.pid == l.PID() {
		return
	}
	fd, err := unix.PidfdOpen(int(s.pid), 0)
	switch err {
	case nil:
		s.pidfd = fd
	case unix.EINVAL, unix.ENOENT, unix.ESRCH: // a thread, or gone just now
		return
	}
	state, start, ok := processStat(s.pid)
	switch {
	case ok && s.pidfd < 0 && isZombie(state):
		start = -1 // matches no process
	case ok && role == driver.Reader && youngerThan(s.pid, start, l.birth, l.id):
		s.forget()
		s.kind = impostor
		return
	}
	s.kind, s.start = process, start
	// Small numbers are taken in every container: this may be somebody else's.
	mapped, ok := maps(strconv.FormatUint(s.pid, 10), l.id)
	if s.unsure = !ok; ok && !mapped {
		s.kind = stranger
	}
}

// running tells whether the process that was seen first still runs. A pidfd becomes readable when
// its last thread has ended, whether or not somebody waits for the zombie. Older kernels have no
// pidfd: then state and start time tell, and whether the number was used again.
func (s *sight) running() bool {
	if s.pidfd >= 0 {
		return !hasEnded(s.pidfd)
	}
	if !visible(s.pid) {
		return false
	}
	state, start, ok := processStat(s.pid)
	return !ok || !isZombie(state) && start == s.start
}

// aliveUnseen judges a peer that is no process of our PID namespace: dead, or in another one.
// Where no lease is to be had, a death that cannot be seen must not be made up.
func (l *liveness) aliveUnseen(role driver.Role, s *sight) bool {
	own := s.pid == l.PID()
	byPID := own || s.kind == stranger && s.running()
	switch {
	case own && l.noClaims:
		return true
	case !l.mayAsk(role):
		return byPID
	}
	switch askLease(l.fd) {
	case leaseGranted:
		return false
	case leaseRefused:
		return true
	}
	return byPID || s.kind == invisible
}

// mayAsk tells whether a lease would say something about the peer in that role: to the creator of
// the segment about its writer, and to its only writer about the reader.
func (l *liveness) mayAsk(role driver.Role) bool {
	if role == driver.Writer && !l.created {
		return false // the reader has it open anyway
	}
	return opens.count(l.id) <= 1 // else this process itself would be the reason for a refusal
}

// nobody tells whether a lease proves that no process but this one has the segment open.
func (l *liveness) nobody(role driver.Role) bool {
	return l.mayAsk(role) && askLease(l.fd) == leaseGranted
}

func (s *sight) forget() {
	if s.pidfd >= 0 {
		_ = unix.Close(s.pidfd)
	}
	*s = sight{pid: s.pid, pidfd: -1}
}

// release gives up the claims.
func (l *liveness) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for role, held := range l.held {
		if held && !l.closed {
			dropClaim(l.fd, driver.Role(role))
		}
		l.held[role] = false
	}
}

// close forgets everything; the descriptor of the segment belongs to the channel.
func (l *liveness) close() {
	l.release()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for i := range l.sights {
		l.sights[i].forget()
	}
}

// registry counts the channels of this process by segment.
type registry struct {
	mu sync.Mutex
	n  map[objectID]int
}

var opens = registry{n: map[objectID]int{}}

func (r *registry) add(id objectID, delta int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n[id] += delta; r.n[id] == 0 {
		delete(r.n, id)
	}
}

func (r *registry) count(id objectID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n[id]
}
