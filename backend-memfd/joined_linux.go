package memfdshm

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func pair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	a = os.NewFile(uintptr(fds[0]), "zerobuffer-a")
	return a, os.NewFile(uintptr(fds[1]), "zerobuffer-b"), nil
}

// joined is the socket of a backend made by [Join].
type joined struct {
	file *os.File

	mu    sync.Mutex
	link  *link  // once it is in use
	spare *guest // opened, and closed again before it had a role
	gone  error  // why it is of no use any more
}

// connect makes a link of the file. j.mu is held.
func (j *joined) connect() (err error) {
	if j.gone == nil && j.link == nil {
		if j.link, err = newLink(j.file); err != nil {
			j.gone = fmt.Errorf("%w; it has to be an end from Pair or Invite, such as descriptor 3 "+
				"of a child that got it in ExtraFiles", err)
		}
	}
	if j.gone != nil {
		return fmt.Errorf("use a joined socket (%w): %w", os.ErrClosed, j.gone)
	}
	return nil
}

// errUsed is why a joined socket cannot be used twice.
var errUsed = errors.New("it is good for one buffer")

// serve makes it the one connection of a reader.
func (j *joined) serve(s *server) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.connect(); err != nil {
		return err
	}
	j.gone = errUsed
	return s.adopt(&client{link: j.link, trusted: true})
}

// open opens the buffer at the other end. While the other side is not ready the next call goes on
// with the same link.
func (j *joined) open() (*guest, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if g := j.spare; g != nil && g.reader.alive() {
		j.spare = nil
		return g, nil
	}
	if err := j.connect(); err != nil {
		return nil, err
	}
	g, err := welcome(j.link, true)
	switch {
	case err == nil:
		g.joined = j
		j.gone = errUsed
	case !errors.Is(err, driver.ErrNotReady) || j.link.hungUp():
		j.gone = errors.New("the other side has closed it")
		j.link.close()
	}
	return g, err
}

// giveBack keeps a guest that was closed before it had a role, for the next open: a writer that
// did not get through at the first try comes again.
func (j *joined) giveBack(g *guest) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.spare != nil || !g.reader.alive() {
		return false
	}
	j.spare = &guest{segment: g.segment, reader: g.reader, joined: j}
	return true
}
