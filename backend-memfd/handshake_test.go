//go:build linux

package memfdshm

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

// stranger connects to a socket and says what it likes.
func stranger(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	require.NoError(t, err)
	return conn
}

// otherVersion is a hello as a later release might send it.
func otherVersion() []byte {
	b := append(message{kind: kindHello, a: 1}.encode(), "and more"...)
	binary.LittleEndian.PutUint16(b[4:], version+1)
	return b
}

func TestFloodHarmsNobody(t *testing.T) {
	dir, name := newDir(t), newName(t)
	path := filepath.Join(dir, name)
	b := New(&Options{Dir: dir})
	r := newReader(t, b, name)
	w, err := zerobuffer.NewWriter(b, name, nil)
	require.NoError(t, err)
	defer w.Close()
	files := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(list)
	}
	before := files()
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	hello := message{kind: kindHello, a: 1 << 40}.encode()
	says := [][]byte{
		nil,
		{0},
		[]byte("GET / HTTP/1.1\r\n\r\n"), hello, hello[:39], otherVersion(),
		append(hello[:messageSize:messageSize], 0), make([]byte, 4096),
		message{kind: kindClaim, role: driver.Writer}.encode(),
	}
	ctx, stop := context.WithCancel(background)
	var flood sync.WaitGroup
	for i := range 3 {
		flood.Go(func() {
			var open []*net.UnixConn
			for n := i; ctx.Err() == nil; n++ {
				conn, err := net.DialUnix("unixpacket", nil,
					&net.UnixAddr{Name: path, Net: "unixpacket"})
				if err != nil { // so many wait that no more are let in
					continue
				}
				if text := says[n%len(says)]; text != nil {
					_, _, _ = conn.WriteMsgUnix(text, unix.UnixRights(int(null.Fd())), nil)
				}
				if open = append(open, conn); len(open) > 30 {
					open[0].Close()
					open = open[1:]
				}
			}
			for _, conn := range open {
				conn.Close()
			}
		})
	}
	defer flood.Wait()
	defer stop()
	for i := range 300 { // the writer that was there
		require.NoError(t, w.WriteFrame(background, payload(uint64(i+1))))
		require.NoError(t, readFrame(r, uint64(i+1)))
	}
	require.NoError(t, w.Close())
	for i := range 5 { // and those that come
		w, err := zerobuffer.OpenWriter(background, b, name, nil)
		require.NoError(t, err)
		require.NoError(t, w.WriteFrame(background, payload(uint64(301+i))))
		require.NoError(t, readFrame(r, uint64(301+i)))
		require.NoError(t, w.Close())
	}
	stop()
	flood.Wait()
	eventually(func() bool { return files() < before }) // the writer has gone, so have the strangers
}

func TestHalfOpenHelloIsClosed(t *testing.T) {
	dir, name := newDir(t), newName(t)
	create(t, New(&Options{Dir: dir}), name)
	conn := stranger(t, filepath.Join(dir, name))
	defer conn.Close()
	_, err := conn.Read(make([]byte, 1)) // no deadline: the other side ends it
	require.Error(t, err)
}

func TestOtherVersionIsRefused(t *testing.T) {
	dir, name := newDir(t), newName(t)
	create(t, New(&Options{Dir: dir}), name)
	conn := stranger(t, filepath.Join(dir, name))
	defer conn.Close()
	_, err := conn.Write(otherVersion())
	require.NoError(t, err)
	var b [100]byte
	n, err := conn.Read(b[:])
	require.NoError(t, err)
	m, err := decode(b[:n])
	require.NoError(t, err)
	require.Equal(t, message{kind: kindRefused, a: refusedVersion}, m)
	_, err = conn.Read(b[:])
	require.Error(t, err, "the connection is closed then")
}

// fakeReader answers the first hello with a message and a descriptor.
func fakeReader(t *testing.T, dir, name string, answer []byte, fd int) {
	t.Helper()
	l, err := net.ListenUnix("unixpacket",
		&net.UnixAddr{Name: filepath.Join(dir, name), Net: "unixpacket"})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.AcceptUnix()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, messageSize))
		var rights []byte
		if fd >= 0 {
			rights = unix.UnixRights(fd)
		}
		_, _, _ = conn.WriteMsgUnix(answer, rights, nil)
		_, _ = conn.Read(make([]byte, messageSize)) // until the client has enough
	}()
	t.Cleanup(func() { l.Close(); <-done })
}

func TestOpenBelievesNothing(t *testing.T) {
	memfd := func(size int64, seals int) int {
		fd, err := newMemfd("test", false)
		require.NoError(t, err)
		t.Cleanup(func() { _ = unix.Close(fd) })
		if size > 0 && size < 1<<20 {
			require.NoError(t, memory.Allocate(fd, uint64(size)))
		} else {
			require.NoError(t, unix.Ftruncate(fd, size))
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
		require.NoError(t, err)
		return fd
	}
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	welcome := func(size, words uint64) []byte {
		return message{kind: kindWelcome, a: size, b: words, c: 1}.encode()
	}
	later := welcome(4096, 4096)
	binary.LittleEndian.PutUint16(later[4:], version+1)
	const file = 4096 + wordsSize
	refused := message{kind: kindRefused, a: refusedUser}.encode()
	wrong := layout.ErrIncompatible
	for what, c := range map[string]struct {
		answer []byte
		fd     int
		want   error
		text   string
	}{
		"unsealed":        {welcome(4096, 4096), memfd(file, 0), wrong, "not sealed"},
		"may-shrink":      {welcome(4096, 4096), memfd(file, unix.F_SEAL_GROW), wrong, "not sealed"},
		"no-memfd":        {welcome(4096, 4096), int(null.Fd()), wrong, "not sealed"},
		"too-small":       {welcome(4096, 4096), memfd(file-1, seals), wrong, "in a file of"},
		"no-oieb":         {welcome(64, 4096), memfd(file, seals), wrong, "64 bytes"},
		"huge-numbers":    {welcome(1<<63, 1<<64-64), memfd(file, seals), wrong, "bytes"},
		"unaligned":       {welcome(4095, 4095), memfd(file, seals), wrong, "4095"},
		"inside":          {welcome(4096, 4032), memfd(file, seals), wrong, "4032"},
		"empty":           {welcome(128, 128), memfd(0, seals), wrong, "a file of 0"},
		"sparse":          {welcome(1<<30, 1<<30), memfd(1<<30+wordsSize, seals), wrong, "only 0 of its"},
		"both-open":       {message{kind: kindHello, a: 1}.encode(), -1, fs.ErrInvalid, "create it"},
		"no-descriptor":   {welcome(4096, 4096), -1, errMessage, "handshake"},
		"garbage":         {[]byte("hello"), -1, errMessage, "handshake"},
		"wrong-kind":      {message{kind: kindAnswer}.encode(), memfd(file, seals), errMessage, ""},
		"another-version": {later, memfd(file, seals), wrong, "version 2"},
		"refused":         {refused, -1, driver.ErrPermission, "Accept"},
		"eof":             {nil, -1, driver.ErrNotReady, "closed the connection"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := newDir(t)
			fakeReader(t, dir, "b", c.answer, c.fd)
			_, err := New(&Options{Dir: dir}).Open("b", driver.Config{})
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
		})
	}
}

// What a client may ask, and that it gets no further by lying.
func TestServerAnswers(t *testing.T) {
	dir, name := newDir(t), newName(t)
	b := New(&Options{Dir: dir})
	create(t, b, name)
	a, c := attach(t, b, name), attach(t, b, name)
	require.ErrorIs(t, a.Claim(driver.Reader), driver.ErrReaderConnected)
	require.NoError(t, a.Claim(driver.Writer))
	require.NoError(t, a.Claim(driver.Writer), "a second claim of the same side changes nothing")
	require.ErrorIs(t, c.Claim(driver.Writer), driver.ErrWriterConnected)
	c.Disclaim(driver.Writer)
	c.Disclaim(driver.Reader)
	require.True(t, c.Ours(driver.Writer), "only its holder gives a role up")
	require.True(t, c.Ours(driver.Reader))
	require.False(t, a.Alive(driver.Reader, a.reader.pid+1), "that is not the PID of this reader")
	_, err := a.reader.query(message{kind: kindWelcome})
	require.ErrorIs(t, err, os.ErrClosed, "a client that talks nonsense is left")
	require.False(t, c.Ours(driver.Writer))
	require.ErrorIs(t, a.Check(), driver.ErrSegmentRemoved)
	require.NoError(t, c.Claim(driver.Writer))
}

func FuzzDecode(f *testing.F) {
	f.Add(message{kind: kindHello, a: 1}.encode())
	f.Add(otherVersion())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		switch {
		case err == nil:
			if again, err := decode(m.encode()); again != m || err != nil {
				t.Errorf("%+v becomes %+v, %v", m, again, err)
			}
		case !errors.Is(err, errMessage) && !errors.Is(err, layout.ErrIncompatible):
			t.Errorf("error is %v", err)
		}
	})
}

// FuzzServer plays two messages of a stranger to a live server, which has to serve others after
// that as before.
func FuzzServer(f *testing.F) {
	hello := message{kind: kindHello, a: 1}.encode()
	f.Add(hello, message{kind: kindClaim, role: driver.Writer, id: 7}.encode())
	f.Add(hello, message{kind: kindAlive, a: 1}.encode())
	f.Add(hello[:8], hello)
	f.Add(otherVersion(), []byte{})
	b := New(&Options{Private: true})
	ch, err := b.Create("fuzz", drivertest.Config(1<<12))
	require.NoError(f, err)
	defer func() { _, _ = ch.Remove(), ch.Close() }()
	f.Fuzz(func(t *testing.T, first, second []byte) {
		file, err := b.Invite("fuzz")
		require.NoError(t, err)
		l, err := newLink(file)
		require.NoError(t, err)
		defer l.close()
		for _, text := range [][]byte{first, second} {
			_ = l.conn.SetDeadline(time.Now().Add(10 * time.Millisecond))
			if _, err := l.conn.Write(text); err == nil {
				if _, fd, err := l.receive(true); err == nil && fd >= 0 {
					_ = unix.Close(fd)
				}
			}
		}
		l.close()
		file, err = b.Invite("fuzz")
		require.NoError(t, err)
		other, err := Join(file).Open("fuzz", driver.Config{})
		require.NoError(t, err)
		for other.Liveness().Claim(driver.Writer) != nil {
			time.Sleep(100 * time.Microsecond) // until the end of the stranger was noticed
		}
		require.NoError(t, errors.Join(other.Remove(), other.Close()))
	})
}
