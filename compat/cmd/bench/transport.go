package main

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// The kinds of transport.
const (
	kindRing   = "zerobuffer"
	kindSocket = "unix socket"
)

// kinds are those of this platform: abstract names of sockets exist on Linux alone.
var kinds = func() []string {
	if runtime.GOOS != "linux" {
		return []string{kindRing}
	}
	return []string{kindRing, kindSocket}
}()

// patience is how long one side waits for the other.
const patience = 10 * time.Second

// sender is one end of a one-way transport: frames go in.
type sender interface {
	// send lets fill write a frame of n bytes and hands it over.
	send(ctx context.Context, n int, fill func([]byte)) error
	close() error
}

// receiver is the other end. It makes the transport.
type receiver interface {
	// receive lets use see the next frame, of n bytes. It returns [io.EOF] when the sender has
	// closed.
	receive(ctx context.Context, n int, use func([]byte)) error
	close() error
}

func newReceiver(kind, name string) (receiver, error) {
	if kind == kindSocket {
		return listen(name)
	}
	r, err := zerobuffer.NewReader(native.Backend(), name,
		&zerobuffer.ReaderOptions{ReadTimeout: patience})
	return &ringReceiver{r}, err
}

func newSender(ctx context.Context, kind, name string) (sender, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if kind == kindSocket {
		return dial(ctx, name)
	}
	w, err := zerobuffer.OpenWriter(ctx, native.Backend(), name,
		&zerobuffer.WriterOptions{WriteTimeout: patience})
	return &ringSender{w}, err
}

type ringSender struct{ w *zerobuffer.Writer }

func (s *ringSender) send(ctx context.Context, n int, fill func([]byte)) error {
	buf, err := s.w.Reserve(ctx, n)
	if err != nil {
		return err
	}
	fill(buf)
	return s.w.Commit(n)
}

func (s *ringSender) close() error { return s.w.Close() }

type ringReceiver struct{ r *zerobuffer.Reader }

func (r *ringReceiver) receive(ctx context.Context, _ int, use func([]byte)) error {
	frame, err := r.r.ReadFrame(ctx)
	if errors.Is(err, zerobuffer.ErrWriterClosed) {
		return io.EOF
	}
	if err != nil {
		return err
	}
	use(frame.Bytes())
	frame.Release()
	return nil
}

func (r *ringReceiver) close() error { return r.r.Close() }

// socketSender and socketReceiver send frames of a size that both know over a Unix socket. They
// use its abstract names on Linux, so that no file is left behind.
type socketSender struct {
	conn net.Conn
	buf  []byte
}

func dial(ctx context.Context, name string) (sender, error) {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", "@"+name)
		if err == nil {
			return &socketSender{conn: conn}, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond): // nobody listens yet
		}
	}
}

// send does not see the end of ctx while it blocks; then the other side ends and closes.
func (s *socketSender) send(ctx context.Context, n int, fill func([]byte)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(s.buf) < n {
		s.buf = make([]byte, n)
	}
	fill(s.buf[:n])
	_, err := s.conn.Write(s.buf[:n])
	return err
}

func (s *socketSender) close() error { return s.conn.Close() }

type socketReceiver struct {
	listener *net.UnixListener
	conn     net.Conn
	buf      []byte
}

func listen(name string) (receiver, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@" + name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	return &socketReceiver{listener: listener}, nil
}

// receive does not see the end of ctx while it blocks, as send.
func (r *socketReceiver) receive(ctx context.Context, n int, use func([]byte)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.conn == nil {
		if err := r.accept(); err != nil {
			return err
		}
	}
	if len(r.buf) < n {
		r.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(r.conn, r.buf[:n]); err != nil {
		return err
	}
	use(r.buf[:n])
	return nil
}

func (r *socketReceiver) accept() error {
	err := r.listener.SetDeadline(time.Now().Add(patience))
	if err != nil {
		return err
	}
	r.conn, err = r.listener.Accept()
	return err
}

func (r *socketReceiver) close() error {
	if r.conn != nil {
		_ = r.conn.Close() // nothing was written to it
	}
	return r.listener.Close()
}
