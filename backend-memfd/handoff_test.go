//go:build linux

package memfdshm

import (
	"io/fs"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// A reader that listens nowhere hands one end of a connection to each child.
func TestInviteChildCrossProcess(t *testing.T) {
	b := New(&Options{Private: true})
	name := newName(t)
	r := newReader(t, b, name)
	for round := range uint64(2) { // a second child after the first
		file, err := b.Invite(name)
		require.NoError(t, err)
		c := testproc.Prepare(t, "writer", "fd", "any name", "3")
		c.ExtraFiles = []*os.File{file}
		c.Begin()
		require.NoError(t, file.Close())
		require.Equal(t, "wrote 3", c.Line())
		for i := range uint64(3) {
			f, err := r.ReadFrame(background)
			require.NoError(t, err)
			require.Equal(t, round*3+i+1, f.Sequence())
			require.Equal(t, payload(i+1), f.Bytes())
			f.Release()
		}
		c.Kill()
		_, err = r.ReadFrame(background)
		require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	}
	_, err := New(&Options{Abstract: true}).Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotFound, "nobody listens")
}

// The child is the reader, and may come later than the writer.
func TestPairWithChildReaderCrossProcess(t *testing.T) {
	own, other, err := Pair()
	require.NoError(t, err)
	b := Join(own)
	_, err = zerobuffer.NewWriter(b, "camera", nil)
	require.ErrorIs(t, err, zerobuffer.ErrNotReady, "nobody answers yet")
	c := testproc.Prepare(t, "reader", "fd", "another name", "2")
	c.ExtraFiles = []*os.File{other}
	c.Begin()
	require.NoError(t, other.Close())
	require.Contains(t, c.Line(), "ready")
	w, err := zerobuffer.OpenWriter(background, b, "camera", nil)
	require.NoError(t, err)
	defer w.Close()
	for seq := uint64(1); seq <= 2; seq++ {
		require.NoError(t, w.WriteFrame(background, payload(seq)))
	}
	c.Step()
	require.Equal(t, "read 2", c.Line())
	c.Kill()
	eventually(func() bool { return !w.ReaderConnected() })
	_, err = b.Open("camera", driver.Config{})
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorContains(t, err, "good for one buffer")
}

// The programs have a connection of their own, over which the end for the writer goes.
func TestInviteOverConnection(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "theirs")
		conn, err := net.FileConn(file)
		require.NoError(t, err)
		file.Close()
		conns[i] = conn.(*net.UnixConn)
		t.Cleanup(func() { conn.Close() })
	}
	b := New(&Options{Dir: newDir(t)})
	r := newReader(t, b, "camera")
	file, err := b.Invite("camera")
	require.NoError(t, err)
	_, _, err = conns[0].WriteMsgUnix([]byte("x"), unix.UnixRights(int(file.Fd())), nil)
	require.NoError(t, err)
	require.NoError(t, file.Close())

	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conns[1].ReadMsgUnix(make([]byte, 1), control)
	require.NoError(t, err)
	got := os.NewFile(uintptr(onlyRight(control[:n])), "received")
	w, err := zerobuffer.NewWriter(Join(got), "whatever", nil)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.WriteFrame(background, payload(1)))
	require.NoError(t, readFrame(r, 1))
	_, err = zerobuffer.NewWriter(New(&b.opts), "camera", nil)
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected, "one writer, whichever way it came")
}

func TestJoinRefusesOtherFiles(t *testing.T) {
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	_, err = Join(null).Open("b", driver.Config{})
	require.ErrorContains(t, err, "ExtraFiles")
	_, err = Join(nil).Create("b", drivertest.Config(1<<12))
	require.ErrorIs(t, err, fs.ErrInvalid)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(fds[1]) }()
	_, err = Join(os.NewFile(uintptr(fds[0]), "stream")).Create("b", drivertest.Config(1<<12))
	require.ErrorContains(t, err, "SOCK_SEQPACKET")

	a, b, err := Pair()
	require.NoError(t, err)
	require.NoError(t, b.Close())
	backend := Join(a)
	_, err = backend.Open("b", driver.Config{})
	require.Error(t, err)
	_, err = zerobuffer.OpenWriter(background, backend, "b", nil) // waits for nothing that can come
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestInviteUnknownBuffer(t *testing.T) {
	b := New(&Options{Private: true})
	_, err := b.Invite("nothing")
	require.ErrorIs(t, err, driver.ErrNotFound)
	create(t, b, "twice")
	_, err = b.Open("twice", driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotFound)
	require.ErrorContains(t, err, "this backend is Private; use Join")
	_, err = b.Create("twice", drivertest.Config(1<<12))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
}
