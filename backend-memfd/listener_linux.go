package memfdshm

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// listener is the socket at which a reader waits for its writer.
type listener struct {
	place  place
	chosen bool // the directory was, by the user
	config driver.Config
	server *server

	mu      sync.Mutex
	conn    *net.UnixListener // nil while there is none
	held    int               // descriptor of what the path led to, -1 for an abstract name
	inode   uint64            // of the path
	removed bool
	warned  bool // that the path cannot be made again
	serving sync.WaitGroup
}

// open binds the place, which may hold a dead socket, and starts to accept.
func (l *listener) open(patience time.Duration) error {
	return l.place.underLock(patience, func() error {
		if err := l.place.clear(); err != nil {
			return err
		}
		fd, err := l.place.listen(&l.config)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(fd), "zerobuffer-listener")
		defer file.Close() // FileListener makes a descriptor of its own
		made, err := net.FileListener(file)
		if err != nil {
			return fmt.Errorf("listen at %s: %w", l.place, err)
		}
		conn := made.(*net.UnixListener)
		if err := l.hold(); err != nil {
			return errors.Join(err, conn.Close())
		}
		l.conn = conn
		l.serving.Go(func() { l.server.listenOn(conn) })
		return nil
	})
}

// hold keeps a descriptor of the path, which tells when it is removed or replaced.
func (l *listener) hold() error {
	l.held = -1
	if l.place.dir == "" {
		return nil
	}
	fd, err := unix.Open(l.place.path(), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: l.place.path(), Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return errors.Join(os.NewSyscallError("fstat", err), unix.Close(fd))
	}
	l.held, l.inode = fd, st.Ino
	return nil
}

// intact tells whether the socket still has its name. Nothing is allocated.
func (l *listener) intact() bool {
	var st unix.Stat_t
	return l.conn != nil && unix.Fstat(l.held, &st) == nil && st.Nlink > 0
}

// check looks whether the path still leads to this socket, and binds it again if it is gone. It
// waits for nobody: what cannot be done now is done at the next look.
func (l *listener) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.removed || l.place.dir == "" || l.intact() {
		return nil
	}
	st, err := l.place.lookup()
	switch {
	case err == nil && !l.isDead(st):
		return fmt.Errorf("%w: another program has put its own object in the place of %s",
			driver.ErrSegmentRemoved, l.place)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	l.stop()
	err = l.place.makeDir(l.chosen)
	if err == nil {
		err = l.open(0)
	}
	switch {
	case err == nil:
		l.config.Logger.Info("socket was removed by another program and made again",
			"place", l.place.String())
	case !l.warned:
		l.config.Logger.Warn("socket was removed and cannot be made again yet: a connected writer "+
			"goes on, a new one cannot connect", "place", l.place.String(), "error", err)
	}
	l.warned = err != nil
	return nil
}

// isDead tells whether a socket is there at which nobody listens.
func (l *listener) isDead(st *unix.Stat_t) bool {
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return false
	}
	fd, err := l.place.connect()
	if err == nil {
		_ = unix.Close(fd)
	}
	return errors.Is(err, unix.ECONNREFUSED)
}

// stop ends accepting. The path stays.
func (l *listener) stop() {
	if l.conn != nil {
		l.conn.Close()
		l.serving.Wait()
		l.conn = nil
		if l.held >= 0 {
			_ = unix.Close(l.held)
		}
	}
}

// remove ends accepting and takes the path away if it is still this socket's. While this socket
// listens nobody else takes the path away, so no lock is needed.
func (l *listener) remove() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.removed {
		return nil
	}
	l.removed = true
	defer l.stop()
	if l.place.dir == "" || l.conn == nil {
		return nil
	}
	st, err := l.place.lookup()
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.Ino != l.inode {
		return nil
	}
	return errors.Join(err, l.place.unlink())
}
