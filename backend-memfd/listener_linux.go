package memfdshm

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// listener is the socket at which a reader waits for its writer.
type listener struct {
	place  place
	config driver.Config
	server *server

	mu      sync.Mutex
	conn    *net.UnixListener
	inode   uint64 // of the path; an abstract name has none
	serving sync.WaitGroup
}

// open binds the place, which may hold a dead socket, and starts to accept.
func (l *listener) open() error {
	return l.place.underLock(func() error {
		if err := l.place.clear(); err != nil {
			return err
		}
		fd, err := l.place.listen(&l.config)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(fd), "zerobuffer-listener")
		defer file.Close() // FileListener makes a descriptor of its own
		conn, err := net.FileListener(file)
		if err != nil {
			return fmt.Errorf("listen at %s: %w", l.place, err)
		}
		l.conn = conn.(*net.UnixListener)
		if l.place.dir != "" {
			st, err := l.place.lookup()
			if err != nil {
				return errors.Join(err, conn.Close())
			}
			l.inode = st.Ino
		}
		l.serving.Go(func() { l.server.listenOn(conn.(*net.UnixListener)) })
		return nil
	})
}

// check looks whether the path still leads to this socket, and binds it again if it is gone.
func (l *listener) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil || l.place.dir == "" {
		return nil
	}
	st, err := l.place.lookup()
	switch {
	case err == nil && st.Ino == l.inode:
		return nil
	case err == nil:
		return fmt.Errorf("%w: another program has put its own object in the place of %s",
			driver.ErrSegmentRemoved, l.place)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	l.stop()
	if err := l.open(); err != nil {
		l.config.Logger.Warn("socket was removed and cannot be made again: the connected writer "+
			"goes on, a new one cannot connect", "place", l.place.String(), "error", err)
		return nil
	}
	l.config.Logger.Info("socket was removed by another program and made again",
		"place", l.place.String())
	return nil
}

// stop ends accepting. The path stays.
func (l *listener) stop() {
	l.conn.Close()
	l.serving.Wait()
	l.conn = nil
}

// remove ends accepting and takes the path away if it is still this socket's.
func (l *listener) remove() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return nil
	}
	defer l.stop()
	if l.place.dir == "" {
		return nil
	}
	return l.place.underLock(func() error {
		st, err := l.place.lookup()
		if errors.Is(err, fs.ErrNotExist) || err == nil && st.Ino != l.inode {
			return nil
		}
		if err == nil {
			err = unix.Unlink(l.place.path())
		}
		return err
	})
}
