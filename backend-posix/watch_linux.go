package posixshm

import (
	"os"

	"golang.org/x/sys/unix"
)

// Watch waits for the end of a process by its pidfd, in the poller of the runtime, so that a watch
// costs a parked goroutine and no thread. A process that is not visible here, and a kernel before
// 5.10, cannot be watched.
func (l *liveness) Watch(pid uint64, died func()) (stop func()) {
	nothing := func() {}
	if !visible(pid) || pid == l.PID() {
		return nothing
	}
	fd, err := unix.PidfdOpen(int(pid), unix.PIDFD_NONBLOCK)
	if err != nil {
		return nothing
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nothing
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended := false
		err := conn.Read(func(fd uintptr) bool {
			ended = hasEnded(int(fd))
			return ended
		})
		if ended && err == nil {
			died()
		}
	}()
	return func() {
		_ = file.Close()
		<-done
	}
}

// hasEnded tells whether the last thread of the process of a pidfd has ended.
func hasEnded(pidfd int) bool {
	p := [1]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(p[:], 0)
	return err == nil && n > 0
}
