package memfdshm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	// maxFile is the longest name that is used for a socket as it is. Longer ones are cut and get
	// a hash: the address of a socket has no more than maxAddress bytes.
	maxFile    = 64
	maxAddress = 107
	// abstractPrefix starts abstract names; "@" stands for a 0 byte.
	abstractPrefix = "@zerobuffer/"
	// lockPatience is how long another program may hold the lock of the directory.
	lockPatience = 2 * time.Second
)

// place is where the reader of a buffer listens.
type place struct {
	dir  string // empty for an abstract name
	file string
}

// place returns where a buffer of that name is.
func (b *Backend) place(name string) (place, error) {
	if err := driver.CheckName(name); err != nil {
		return place{}, err
	}
	p := place{dir: b.opts.Dir, file: fileName(name)}
	switch {
	case b.opts.Abstract:
		p.dir = ""
	case p.dir == "":
		p.dir = defaultDir()
	}
	return p, nil
}

// fileName makes a name short enough for a socket.
func fileName(name string) string {
	if len(name) <= maxFile {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:maxFile-16] + "~" + hex.EncodeToString(sum[:8])
}

// defaultDir is the directory of a user who has chosen none.
func defaultDir() string {
	// One that is not absolute does not count (XDG Base Directory Specification).
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "zerobuffer")
	}
	return "/tmp/zerobuffer-" + strconv.Itoa(os.Geteuid())
}

func (p place) String() string {
	if p.dir == "" {
		return abstractPrefix + p.file
	}
	return p.path()
}

func (p place) path() string { return filepath.Join(p.dir, p.file) }

// makeDir makes the directory if it is missing. One that was not chosen by the user is checked.
func (p place) makeDir(chosen bool) error {
	if p.dir == "" {
		return nil
	}
	if err := unix.Mkdir(p.dir, 0o700); err != nil && err != unix.EEXIST {
		hint := "set XDG_RUNTIME_DIR to a directory that can be used"
		if chosen {
			hint = "make " + filepath.Dir(p.dir) + " first, or choose another directory"
		}
		return fmt.Errorf("make the directory of the sockets: %w; %s",
			&fs.PathError{Op: "mkdir", Path: p.dir, Err: err}, hint)
	}
	crashpoint.At("make-directory")
	if chosen {
		return nil
	}
	return p.checkDir()
}

// checkDir makes sure that the default directory belongs to this user and is closed to all others:
// in /tmp somebody else could have been first.
func (p place) checkDir() error {
	var st unix.Stat_t
	if err := unix.Lstat(p.dir, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: p.dir, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Mode&0o077 != 0 || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("use %s for sockets: %w: it belongs to user %d with mode %#o, and has to "+
			"be a directory of this user, %d, with mode 0700", p.dir, driver.ErrPermission, st.Uid,
			st.Mode&0o7777, os.Geteuid())
	}
	return nil
}

// underLock does something while no other program may take over a socket in the directory. The
// lock is on the directory itself, so that no lock file stays behind. A lock that somebody holds is
// waited for until patience is over.
func (p place) underLock(patience time.Duration, do func() error) error {
	if p.dir == "" {
		return do() // the kernel gives an abstract name to one program only
	}
	fd, err := openDir(p.dir, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	err = unix.EWOULDBLOCK
	for end := time.Now().Add(patience); err == unix.EWOULDBLOCK || err == unix.EINTR; {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err != nil && time.Now().After(end) {
			break
		} else if err != nil {
			time.Sleep(time.Millisecond)
		}
	}
	if err == unix.EWOULDBLOCK {
		return fmt.Errorf("lock %s: another program holds the lock on this directory (flock), "+
			"maybe one that is stopped; see fuser or lsof, or choose another Dir: %w", p.dir, err)
	} else if err != nil {
		return &fs.PathError{Op: "flock", Path: p.dir, Err: err}
	}
	crashpoint.At("lock-directory")
	defer func() { _ = unix.Flock(fd, unix.LOCK_UN) }() // a child may have the descriptor
	return do()
}

func openDir(dir string, flags int) (int, error) {
	fd, err := unix.Open(dir, flags|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, explain(&fs.PathError{Op: "open", Path: dir, Err: err})
	}
	return fd, nil
}

// explain adds who may use a path to the error of somebody who may not.
func explain(err *fs.PathError) error {
	var st unix.Stat_t
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	for path := err.Path; ; path = filepath.Dir(path) {
		if unix.Lstat(path, &st) == nil {
			return fmt.Errorf("%w: %s belongs to user %d, group %d with mode %#o, this process is "+
				"user %d, group %d; run both sides as the same user, or choose a Dir that both may "+
				"use", err, path, st.Uid, st.Gid, st.Mode&0o7777, os.Geteuid(), os.Getegid())
		}
		if path == filepath.Dir(path) {
			return err
		}
	}
}

// withAddress calls use with the address of the socket. A path that is too long for one goes
// through a descriptor of its directory.
func (p place) withAddress(use func(unix.Sockaddr) error) error {
	name := p.path()
	switch {
	case p.dir == "":
		name = p.String() // x/sys makes a 0 byte of the "@"
	case name[0] == '@':
		name = "./" + name
	}
	if len(name) <= maxAddress {
		return use(&unix.SockaddrUnix{Name: name})
	}
	fd, err := openDir(p.dir, unix.O_PATH)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return use(&unix.SockaddrUnix{Name: "/proc/self/fd/" + strconv.Itoa(fd) + "/" + p.file})
}

// connect returns a connected socket. The error is that of connect(2).
func (p place) connect() (int, error) {
	fd, err := newSocket()
	if err != nil {
		return -1, err
	}
	err = p.withAddress(func(addr unix.Sockaddr) error {
		for {
			if err := unix.Connect(fd, addr); err != unix.EINTR {
				return err
			}
		}
	})
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func newSocket() (int, error) {
	const kind = unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	fd, err := unix.Socket(unix.AF_UNIX, kind, 0)
	return fd, os.NewSyscallError("socket", err)
}

// lookup returns what the path leads to, without following a link.
func (p place) lookup() (*unix.Stat_t, error) {
	var st unix.Stat_t
	if err := unix.Lstat(p.path(), &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: p.path(), Err: err}
	}
	return &st, nil
}

// similar lists the names in the directory that look like name, for the text of an error.
func (p place) similar(name string) string {
	if p.dir == "" {
		return ""
	}
	var sockets []string
	for _, e := range driver.ListSome(p.dir) {
		if e.Type()&fs.ModeSocket != 0 {
			sockets = append(sockets, e.Name())
		}
	}
	near := driver.Similar(name, sockets, func(string) bool { return true })
	if len(near) == 0 {
		return ""
	}
	return ", or do you mean " + strings.Join(near, ", ") + "?"
}
