package posixshm

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const (
	// halfMadeGrace is how long a segment that is not finished, or whose reader is just leaving,
	// may take. Python fills 256 MiB with zeros first, 306 ms.
	halfMadeGrace = 800 * time.Millisecond
	// openGrace is how long somebody may look into a segment whose reader is dead.
	openGrace = 100 * time.Millisecond
	// clearPatience is how long a name is cleared that somebody takes again and again.
	clearPatience = 5 * time.Second
)

// header is what the first bytes of a segment tell, read without mapping it.
type header struct {
	foreign              bool // it is no ZeroBuffer segment: bytes that no reader writes
	ready                bool
	readerPID, writerPID uint64
}

func readHeader(fd int) header {
	var b [layout.OIEBSize]byte
	n := 0
	_ = retry(func() (err error) { n, err = unix.Pread(fd, b[:], 0); return err })
	return parseHeader(b[:max(n, 0)])
}

// parseHeader judges the first bytes of a segment; it may be shorter than an OIEB.
func parseHeader(b []byte) header {
	var full [layout.OIEBSize]byte
	copy(full[:], b)
	if full == ([layout.OIEBSize]byte{}) {
		return header{}
	}
	h := header{
		foreign:   binary.LittleEndian.Uint32(full[:]) != layout.OIEBSize,
		readerPID: binary.LittleEndian.Uint64(full[0x58:]),
		writerPID: binary.LittleEndian.Uint64(full[0x50:]),
	}
	h.ready = !h.foreign && h.readerPID != 0
	return h
}

// verdict is what is to be done about a segment that is in the way.
type verdict int

const (
	vanished verdict = iota // it has lost its name: look again
	stale                   // its reader is dead
	live                    // it has a reader
	undecided
)

// oldSegment is a segment that Create finds under its name.
type oldSegment struct {
	path   string
	fd     int
	id     objectID
	header header
	since  time.Time
	// owner is the user who has made it.
	owner uint32
	// lockFound says that a lock file of the same user without an owner was there, which a living
	// reader of another language would hold if it has the same directory of lock files.
	lockFound bool
	// sems are where its semaphores are, if it has any.
	sems semPaths
}

// readHeader reads the header anew. What begins with other bytes than a segment is the file of some
// program, unless lock file and semaphores show that it is what a reader has left: then its bytes
// were written over, and nothing in them counts.
func (o *oldSegment) readHeader() {
	o.header = readHeader(o.fd)
	if o.header.foreign && o.lockFound && o.sems.anyOf(o.owner) {
		o.header = header{}
	}
}

// judge decides whether the segment may be removed, and never on a guess: a granted lease proves
// that nobody has it open. Without leases, the PID decides. When somebody has it open although
// the reader's PID is dead, or that of a process that nobody may look into, it is either a writer
// that lives on, or a reader in another PID namespace; only a lock file without an owner tells that
// it is the former. After "stale" the lease, if one was granted, is held.
func (o *oldSegment) judge() (verdict, string) {
	var st unix.Stat_t
	if err := unix.Fstat(o.fd, &st); err != nil || st.Nlink == 0 {
		return vanished, ""
	}
	if claimedByOther(o.fd, driver.Reader) {
		return live, ""
	}
	answer := takeLease(o.fd)
	if answer == leaseGranted {
		return stale, "nobody has it open"
	}
	o.readHeader()
	alive, sure := o.readerAlive()
	waited := time.Since(o.since)
	switch {
	case o.header.foreign:
		return live, ""
	case !o.header.ready && waited < halfMadeGrace:
		return undecided, ""
	case alive && (sure || answer == leaseUnsupported):
		return live, ""
	case answer == leaseUnsupported:
		return stale, "its reader is dead"
	case waited < openGrace:
		return undecided, ""
	case o.lockFound:
		return stale, "its reader is dead and has left its lock file"
	}
	return live, ""
}

// readerAlive judges the reader by its PID: a process that lives, is not younger than the segment
// and, as far as its mappings may be read, has mapped it. If they may not be read that is not sure:
// after a reader in another PID namespace there is nearly always some process of that number.
func (o *oldSegment) readerAlive() (alive, sure bool) {
	pid := o.header.readerPID
	// A reader of this process would have shown by its claim or its lock files: the number is that
	// of the dead one, as in a container that was started again, or from another namespace.
	if !o.header.ready || pid == uint64(os.Getpid()) || !alivePID(pid) {
		return false, true
	}
	// Our own mapping shows that the lists of mappings can be relied on.
	own, err := unix.Mmap(o.fd, 0, 1, unix.PROT_READ, unix.MAP_SHARED)
	if err == nil {
		defer func() { _ = unix.Munmap(own) }()
		if mapped, ok := maps(strconv.FormatUint(pid, 10), o.id); ok {
			return mapped, true
		}
	}
	_, start, ok := processStat(pid)
	return !ok || !youngerThan(pid, start, birthOf(o.fd), o.id), false
}

// clearName removes the segment that a dead reader has left under the name, and nothing else. It
// returns nil when the name is free.
func (b *Backend) clearName(name string, ls *locks, config *driver.Config) error {
	path := b.segmentPath(name)
	for start := time.Now(); ; {
		fd, err := open(path)
		if err == unix.ENOENT {
			return nil
		}
		if err != nil {
			return openError(path, err, fs.ErrExist, fs.ErrExist)
		}
		o := &oldSegment{path: path, fd: fd, since: start, sems: b.semPaths(name)}
		again, err := o.clear(ls, config)
		_ = unix.Close(fd)
		if !again {
			return err
		}
		if time.Since(start) > clearPatience {
			return fmt.Errorf("create %s: another program makes it again and again: %w",
				path, driver.ErrReaderConnected)
		}
		// At random, so that two programs that look at once do not stay in each other's way.
		time.Sleep(time.Millisecond + rand.N(3*time.Millisecond))
	}
}

// clear removes the segment if it is stale. It returns again == true when it is too early to
// tell, or when there may be another one.
func (o *oldSegment) clear(ls *locks, config *driver.Config) (again bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(o.fd, &st); err != nil {
		return false, &fs.PathError{Op: "stat", Path: o.path, Err: err}
	}
	if !isRegular(&st) {
		return false, notRegular(o.path, &st, fs.ErrExist)
	}
	o.id, o.owner, o.lockFound = idOf(&st), st.Uid, ls.found(st.Uid)
	o.readHeader()
	if o.header.foreign {
		return false, fmt.Errorf("create %s: it is a file of user %d and of another program, no "+
			"ZeroBuffer segment (%w); choose another name", o.path, st.Uid, fs.ErrExist)
	}
	switch v, why := o.judge(); v {
	case live:
		return false, o.inUse()
	case stale:
		defer dropLease(o.fd)
		if !isOwn(&st) {
			return false, fmt.Errorf("create %s: %w: it belongs to user %d, and %s; this process is "+
				"user %d; remove it or choose another name", o.path, driver.ErrPermission, st.Uid, why,
				os.Geteuid())
		}
		// Between open and lease the reader may have left and another have come.
		if !leadsTo(o.path, o.id) {
			return true, nil
		}
		if err := unlinkOwn(o.path, o.id); err != nil {
			return false, fmt.Errorf("remove the segment of a dead reader: %w", err)
		}
		config.Logger.Info("removed the segment of a dead reader", "path", o.path,
			"reader_pid", o.header.readerPID, "reason", why)
	}
	return true, nil
}

// inUse is the error for a segment that is not to be touched.
func (o *oldSegment) inUse() error {
	pid := o.header.readerPID
	if claimedByOther(o.fd, driver.Reader) || o.header.ready && visible(pid) {
		return fmt.Errorf("create %s: %w: process %d; stop it or choose another name",
			o.path, driver.ErrReaderConnected, pid)
	}
	who := "a process that is not visible here, maybe in another container"
	if pids := mappers(o.id); len(pids) > 0 {
		who = "process " + strings.Join(pids, ", ")
	}
	return fmt.Errorf("create %s: %w: reader_pid is %d, and %s has it open; end that or choose "+
		"another name", o.path, driver.ErrReaderConnected, pid, who)
}
