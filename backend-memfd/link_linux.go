package memfdshm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
)

// answerTime is how long one side waits for a message that the other owes it. A process that is
// stopped does not answer, and must not stop this one.
const answerTime = 500 * time.Millisecond

// link is one end of a connection.
type link struct {
	conn *net.UnixConn
	raw  syscall.RawConn
	// greeted says that hello was sent on a connection of this side.
	greeted bool

	mu     sync.Mutex // guards what probe leaves behind
	events int16
	probed func(fd uintptr) // probe, so that a look allocates nothing
}

// newLink takes over a connected socket, which it closes also after an error.
func newLink(file *os.File) (*link, error) {
	if file == nil {
		return nil, fmt.Errorf("use a socket: %w: there is none", fs.ErrInvalid)
	}
	defer file.Close() // FileConn makes a descriptor of its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	u, ok := conn.(*net.UnixConn)
	if !ok || u.LocalAddr().Network() != "unixpacket" {
		conn.Close()
		return nil, fmt.Errorf("use %s: %w: it is no Unix socket of type SOCK_SEQPACKET",
			file.Name(), fs.ErrInvalid)
	}
	return linkOf(u)
}

func linkOf(conn *net.UnixConn) (*link, error) {
	raw, err := conn.SyscallConn()
	if err == nil {
		controlled := raw.Control(func(fd uintptr) { _, err = unix.Getpeername(int(fd)) })
		err = errors.Join(controlled, os.NewSyscallError("getpeername", err))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	l := &link{conn: conn, raw: raw}
	l.probed = l.probe
	return l, nil
}

// hello introduces this side, once.
func (l *link) hello() error {
	if l.greeted {
		return nil
	}
	l.greeted = true
	return l.send(message{kind: kindHello, a: uint64(os.Getpid())}, -1)
}

// send sends a message, with a descriptor if fd is not negative. A peer that does not read, so
// that the socket is full, cannot hold the caller for long.
func (l *link) send(m message, fd int) error {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	_, _, err := l.conn.WriteMsgUnix(m.encode(), rights, nil)
	crashpoint.At("send")
	return err
}

// receive waits for a message. A descriptor that comes with one is kept only if files is true;
// fd is -1 without. The error is [io.EOF] when the peer has closed or died.
func (l *link) receive(files bool) (m message, fd int, err error) {
	var buf [messageSize + 1]byte // a longer message is cut here, and found to be too long
	var rights []byte
	if files {
		rights = make([]byte, unix.CmsgSpace(4))
	}
	n, oobn, flags, _, err := l.conn.ReadMsgUnix(buf[:], rights)
	if err != nil {
		return message{}, -1, err
	}
	fd = onlyRight(rights[:oobn])
	switch {
	case n == 0:
		err = io.EOF
	case files && fd < 0 && flags&unix.MSG_CTRUNC != 0:
		err = fmt.Errorf("receive a descriptor: %w; raise the limit of open files (ulimit -n)",
			unix.EMFILE)
	default:
		m, err = decode(buf[:n])
	}
	if err != nil && fd >= 0 {
		_ = unix.Close(fd)
		fd = -1
	}
	return m, fd, err
}

// onlyRight returns the descriptor in a control message, or -1. There is room for two, because
// the kernel counts in words; a second one is closed.
func onlyRight(control []byte) int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return -1
	}
	only := -1
	for i := range messages {
		fds, _ := unix.ParseUnixRights(&messages[i]) // none in a message of another kind
		for _, fd := range fds {
			if only < 0 {
				only = fd
			} else {
				_ = unix.Close(fd)
			}
		}
	}
	return only
}

// hungUp tells whether the other end is closed, which the kernel does when its process ends. It
// does not wait until the goroutine that receives has noticed.
func (l *link) hungUp() bool { return l.look()&unix.POLLHUP != 0 }

// silent tells whether there is no message to receive, and none will come.
func (l *link) silent() bool { return l.look() != unix.POLLIN }

// look asks the kernel for the state of the socket.
func (l *link) look() int16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = unix.POLLHUP // the socket is closed, unless probe comes to look at it
	_ = l.raw.Control(l.probed)
	return l.events
}

// probe is called by look.
func (l *link) probe(fd uintptr) {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(p[:], 0); err != nil || n == 0 {
		l.events = 0
		return
	}
	l.events = p[0].Revents & (unix.POLLIN | unix.POLLHUP)
}

// credentials asks the kernel who made the other end.
func (l *link) credentials() (Peer, error) {
	var cred *unix.Ucred
	var err error
	if e := l.raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); e != nil {
		return Peer{}, e
	}
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt SO_PEERCRED", err)
	}
	return Peer{PID: int(cred.Pid), UID: int(cred.Uid), GID: int(cred.Gid)}, nil
}

func (l *link) close() { l.conn.Close() }
