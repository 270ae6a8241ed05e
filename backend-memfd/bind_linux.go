package memfdshm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// backlog is how many connections may wait for the reader to accept them.
const backlog = 128

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
	switch {
	case err == nil:
		_ = unix.Close(fd)
		return p.inUse()
	case errors.Is(err, unix.EAGAIN): // so many wait there that somebody must be listening
		return p.inUse()
	case errors.Is(err, unix.ECONNREFUSED):
		if err := unix.Unlink(p.path()); err != nil && err != unix.ENOENT {
			return &fs.PathError{Op: "remove the dead socket", Path: p.path(), Err: err}
		}
		return nil
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EPROTOTYPE):
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
