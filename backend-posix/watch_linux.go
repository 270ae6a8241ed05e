package posixshm

import (
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// unseenLook is how often a watch looks at a peer whose process may not be visible here.
const unseenLook = 100 * time.Millisecond

// Watch waits for the end of the peer's process by its pidfd. A number that is visible here need
// not be the peer's, and the number of a peer in another PID namespace is not visible or somebody
// else's: unless the process is seen to have mapped the segment, there are looks at the claim as
// well. So the end of a stranger is not told, and the end of the peer is.
func (l *liveness) Watch(pid uint64, died func()) (stop func()) {
	if pid == 0 {
		return nil
	}
	peer := driver.Reader
	if l.created {
		peer = driver.Writer
	}
	once := sync.OnceFunc(died)
	tell := func() (dead bool) {
		if dead = !l.Alive(peer, pid); dead {
			once()
		}
		return dead
	}
	w := &watch{quit: make(chan struct{})}
	watched := w.process(pid, func() {
		// With its claim in force, the number was that of a stranger, or has gone to the next peer.
		if !tell() {
			w.lookNowAndThen(tell)
		}
	})
	mapped, ok := maps(strconv.FormatUint(pid, 10), l.id)
	if !watched || !ok || !mapped {
		w.running.Go(func() { w.lookNowAndThen(tell) })
	}
	return w.stop
}

// pidfdOpen is what a test replaces by a kernel that does not have it.
var pidfdOpen = unix.PidfdOpen

// watch is one call of Watch.
type watch struct {
	quit    chan struct{}
	file    *os.File // the pidfd, nil for none
	running sync.WaitGroup
}

func (w *watch) stop() {
	close(w.quit)
	if w.file != nil {
		_ = w.file.Close()
	}
	w.running.Wait()
}

// process waits for the end of a process by its pidfd, in the poller of the runtime, so that it
// costs a parked goroutine and no thread. It returns false if it cannot: for this process, for one
// that is not visible here, without descriptors, and with a kernel before 5.10.
func (w *watch) process(pid uint64, ended func()) bool {
	if !visible(pid) || pid == uint64(os.Getpid()) {
		return false
	}
	fd, err := pidfdOpen(int(pid), unix.PIDFD_NONBLOCK)
	if err != nil {
		return false
	}
	w.file = os.NewFile(uintptr(fd), "pidfd")
	conn, err := w.file.SyscallConn()
	if err != nil {
		return false
	}
	w.running.Go(func() {
		// An error says that the watch was stopped, or that the poller does not take the pidfd.
		_ = conn.Read(func(fd uintptr) bool { return hasEnded(int(fd)) })
		select {
		case <-w.quit:
		default:
			ended()
		}
	})
	return true
}

// lookNowAndThen calls look every unseenLook until it returns true.
func (w *watch) lookNowAndThen(look func() bool) {
	ticker := time.NewTicker(unseenLook)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-ticker.C:
			if look() {
				return
			}
		}
	}
}

// hasEnded tells whether the last thread of the process of a pidfd has ended.
func hasEnded(pidfd int) bool {
	p := [1]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(p[:], 0)
	return err == nil && n > 0
}
