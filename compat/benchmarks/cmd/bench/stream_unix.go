//go:build unix

package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const haveStreams = true

func setNonblock(fd uintptr) error { return unix.SetNonblock(int(fd), true) }

// streamEnds returns the descriptors of two processes that are connected: for each the one to read
// from and the one to write to.
func streamEnds(transport string) (first, second []*os.File, err error) {
	switch transport {
	case pipe:
		return pipeEnds()
	case tcp:
		return tcpEnds()
	default:
		return socketEnds()
	}
}

func pipeEnds() (first, second []*os.File, err error) {
	r1, w1, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	r2, w2, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, r1.Close(), w1.Close())
	}
	return []*os.File{r1, w2}, []*os.File{r2, w1}, nil
}

func socketEnds() (first, second []*os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	a, b := os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	return []*os.File{a, a}, []*os.File{b, b}, nil
}

func tcpEnds() (first, second []*os.File, err error) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = listener.Close() }()
	there, err := net.DialTCP("tcp4", nil, listener.Addr().(*net.TCPAddr))
	if err != nil {
		return nil, nil, err
	}
	defer there.Close()
	here, err := listener.AcceptTCP()
	if err != nil {
		return nil, nil, err
	}
	defer here.Close()
	a, err := here.File()
	if err != nil {
		return nil, nil, err
	}
	b, err := there.File()
	if err != nil {
		return nil, nil, errors.Join(err, a.Close())
	}
	return []*os.File{a, a}, []*os.File{b, b}, nil
}
