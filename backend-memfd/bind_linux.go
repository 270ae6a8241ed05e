package memfdshm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
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
		return fmt.Errorf("listen at %s: it is no socket, and belongs to user %d (%w); remove it or "+
			"choose another name", p, st.Uid, fs.ErrExist)
	}
	fd, err := p.connect()
	switch {
	case err == nil:
		defer func() { _ = unix.Close(fd) }()
		return p.inUse(listenerOf(fd))
	case errors.Is(err, unix.EAGAIN): // so many wait there that somebody must be listening
		return p.inUse(0)
	case errors.Is(err, unix.ECONNREFUSED) && int(st.Uid) != os.Geteuid():
		// Root could, but everybody may put sockets into a directory that was chosen for many.
		return fmt.Errorf("listen at %s: %w: there is a dead socket of user %d, this process is user "+
			"%d; remove it or choose another name", p, driver.ErrPermission, st.Uid, os.Geteuid())
	case errors.Is(err, unix.ECONNREFUSED):
		return p.unlink()
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EPROTOTYPE):
		return fmt.Errorf("listen at %s: it is the socket of another program (%w); choose another "+
			"name", p, fs.ErrExist)
	}
	return explain(&fs.PathError{Op: "look who listens at", Path: p.path(), Err: err})
}

func (p place) unlink() error {
	if err := unix.Unlink(p.path()); err != nil && err != unix.ENOENT {
		return explain(&fs.PathError{Op: "remove the socket", Path: p.path(), Err: err})
	}
	crashpoint.At("unlink")
	return nil
}

// listenerOf returns the process at the other end of a connected socket, 0 if it is not visible.
func listenerOf(fd int) int32 {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return cred.Pid
}

func (p place) inUse(pid int32) error {
	who := "a process that is not visible here"
	if pid != 0 {
		who = fmt.Sprintf("process %d", pid)
	}
	return fmt.Errorf("listen at %s: %w: %s; stop it or choose another name",
		p, driver.ErrReaderConnected, who)
}

// listen binds the name and listens. The name must be free, and the lock held.
func (p place) listen(config *driver.Config) (int, error) {
	fd, err := newSocket()
	if err != nil {
		return -1, err
	}
	err = p.withAddress(func(addr unix.Sockaddr) error { return unix.Bind(fd, addr) })
	crashpoint.At("bind")
	switch {
	case err == unix.EADDRINUSE && p.dir == "":
		err = p.inUse(0)
	case err != nil:
		err = explain(&fs.PathError{Op: "listen at", Path: p.String(), Err: err})
	default:
		if p.dir != "" {
			err = p.setPermissions(config)
			crashpoint.At("socket-permissions")
		}
		if err == nil {
			err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
			crashpoint.At("listen")
		}
		if err != nil && p.dir != "" {
			_ = p.unlink()
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// setPermissions gives the path its group and its exact mode, before anybody can connect. The
// path may be in a directory into which others write, so what it leads to is held by a descriptor.
func (p place) setPermissions(config *driver.Config) error {
	mode := config.Mode.Perm()
	if mode == 0 {
		mode = 0o600
	}
	st, err := p.lookup()
	if err != nil || config.Group == nil && fs.FileMode(st.Mode).Perm() == mode {
		return err
	}
	fd, err := unix.Open(p.path(), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: p.path(), Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var held unix.Stat_t
	if err := unix.Fstat(fd, &held); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if held.Mode&unix.S_IFMT != unix.S_IFSOCK || int(held.Uid) != os.Geteuid() {
		return fmt.Errorf("set mode and group of %s: somebody has put something else there (%w)",
			p, fs.ErrExist)
	}
	if config.Group != nil {
		err := unix.Fchownat(fd, "", -1, *config.Group, unix.AT_EMPTY_PATH)
		if err != nil {
			return fmt.Errorf("give the socket to group %d (the process must be a member): %w",
				*config.Group, err)
		}
	}
	if err := unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), uint32(mode)); err != nil {
		return fmt.Errorf("set mode %#o of %s: %w", mode, p, err)
	}
	return nil
}
