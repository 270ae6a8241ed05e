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

	mu   sync.Mutex
	link *link // once it is in use
	gone error // why it is of no use any more
}

// use makes a link of the socket and hands it over, for good if meet returns nil. If meet finds
// that the other side is not ready yet, the next call goes on with the same link.
func (j *joined) use(meet func(*link) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.gone != nil {
		return fmt.Errorf("use a joined socket: %w: %w", os.ErrClosed, j.gone)
	}
	if j.link == nil {
		var err error
		if j.link, err = newLink(j.file); err != nil {
			j.gone = err
			return fmt.Errorf("use a joined socket: %w", err)
		}
	}
	err := meet(j.link)
	switch {
	case err == nil:
		j.gone = errors.New("it is good for one buffer")
	case !errors.Is(err, driver.ErrNotReady) || j.link.hungUp():
		j.gone = errors.New("the other side has closed it")
		j.link.close()
	}
	return err
}
