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

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	// maxFile is the longest name that is used for a socket as it is. Longer ones are cut and get
	// a hash: the address of a socket has no more than maxAddress bytes.
	maxFile    = 64
	maxAddress = 107
	// abstractPrefix starts abstract names; the kernel shows the 0 byte as "@".
	abstractPrefix = "\x00zerobuffer/"
	// backlog is how many connections may wait for the reader to accept them.
	backlog = 128
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
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "zerobuffer")
	}
	return filepath.Join("/tmp", "zerobuffer-"+strconv.Itoa(os.Geteuid()))
}

func (p place) String() string {
	if p.dir == "" {
		return "@" + abstractPrefix[1:] + p.file
	}
	return p.path()
}

func (p place) path() string { return filepath.Join(p.dir, p.file) }

// makeDir makes the directory if it is missing. One that was not chosen by the user must be closed
// to all others: in /tmp somebody else could have been first.
func (p place) makeDir(chosen bool) error {
	if p.dir == "" {
		return nil
	}
	if err := unix.Mkdir(p.dir, 0o700); err != nil && err != unix.EEXIST {
		return fmt.Errorf("make the directory of the sockets: %w; set XDG_RUNTIME_DIR or Dir to a "+
			"directory that can be used", &fs.PathError{Op: "mkdir", Path: p.dir, Err: err})
	}
	var st unix.Stat_t
	if err := unix.Lstat(p.dir, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: p.dir, Err: err}
	}
	if !chosen && (st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Mode&0o077 != 0 ||
		int(st.Uid) != os.Geteuid()) {
		return fmt.Errorf("use %s for sockets: %w: it belongs to user %d with mode %#o, and has to "+
			"be a directory of this user, %d, with mode 0700", p.dir, driver.ErrPermission, st.Uid,
			st.Mode&0o7777, os.Geteuid())
	}
	return nil
}

// lock keeps other programs from taking over a socket in the directory at the same time. The lock
// is on the directory itself, so that no lock file stays behind.
func (p place) lock() (unlock func(), err error) {
	if p.dir == "" {
		return func() {}, nil // the kernel gives an abstract name to one program only
	}
	fd, err := openDir(p.dir)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(lockPatience); ; time.Sleep(time.Millisecond) {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = unix.Close(fd) }, nil
		case err == unix.EINTR:
		case err != unix.EWOULDBLOCK || time.Now().After(end):
			_ = unix.Close(fd)
			return nil, fmt.Errorf("lock the directory of the sockets: %w",
				&fs.PathError{Op: "flock", Path: p.dir, Err: err})
		}
	}
}

// underLock does something while it holds the lock.
func (p place) underLock(do func() error) error {
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

func openDir(dir string) (int, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	return fd, nil
}

// withAddress calls use with the address of the socket. A path that is too long for one goes
// through a descriptor of its directory.
func (p place) withAddress(use func(unix.Sockaddr) error) error {
	name := p.path()
	if p.dir == "" {
		name = "@" + abstractPrefix[1:] + p.file // x/sys makes a 0 byte of the "@"
	}
	if len(name) <= maxAddress {
		return use(&unix.SockaddrUnix{Name: name})
	}
	fd, err := openDir(p.dir)
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

// clear removes the dead socket of a killed reader, under the lock. The error matches
// [driver.ErrReaderConnected] when somebody listens there.
func (p place) clear() error {
	if p.dir == "" {
		return nil
	}
	st, err := p.lookup()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return fmt.Errorf("listen at %s: it is no socket (%w); remove it or choose another name",
			p, fs.ErrExist)
	}
	fd, err := p.connect()
	switch err {
	case nil:
		_ = unix.Close(fd)
		return p.inUse()
	case unix.EAGAIN: // so many wait there that somebody must be listening
		return p.inUse()
	case unix.ECONNREFUSED:
		if err := unix.Unlink(p.path()); err != nil && err != unix.ENOENT {
			return &fs.PathError{Op: "remove the dead socket", Path: p.path(), Err: err}
		}
		return nil
	case unix.ENOENT:
		return nil
	case unix.EPROTOTYPE:
		return fmt.Errorf("listen at %s: it is the socket of another program (%w); choose another "+
			"name", p, fs.ErrExist)
	}
	return fmt.Errorf("look who listens at %s: %w", p, err)
}

func (p place) inUse() error {
	return fmt.Errorf("listen at %s: %w; stop it or choose another name",
		p, driver.ErrReaderConnected)
}

// listen binds the name and listens. The name must be free, and the lock held.
func (p place) listen(config *driver.Config) (int, error) {
	fd, err := newSocket()
	if err != nil {
		return -1, err
	}
	err = p.withAddress(func(addr unix.Sockaddr) error { return unix.Bind(fd, addr) })
	switch {
	case err == unix.EADDRINUSE && p.dir == "":
		err = p.inUse()
	case err == nil && p.dir != "":
		if err = p.setPermissions(config); err == nil {
			err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
		}
		if err != nil {
			_ = unix.Unlink(p.path())
		}
	case err == nil:
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("listen at %s: %w", p, err)
	}
	return fd, nil
}

// setPermissions gives the path its group and its exact mode, before anybody can connect.
func (p place) setPermissions(config *driver.Config) error {
	if config.Group != nil {
		if err := unix.Lchown(p.path(), -1, *config.Group); err != nil {
			return fmt.Errorf("give the socket to group %d (the process must be a member): %w",
				*config.Group, err)
		}
	}
	mode := config.Mode.Perm()
	if mode == 0 {
		mode = 0o600
	}
	return os.NewSyscallError("chmod", unix.Chmod(p.path(), uint32(mode)))
}

// similar lists the names in the directory that look like name, for the text of an error.
func (p place) similar(name string) string {
	if p.dir == "" {
		return ""
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return ""
	}
	var sockets []string
	for _, e := range entries {
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
