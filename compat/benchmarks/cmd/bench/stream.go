package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
)

// A stream comes into a process as two descriptors, the end to read from and the end to write to.
// For a socket both are the same.
const (
	readFD  = 3
	writeFD = 4
)

// bufferSize is what the buffered streams collect before they call the kernel.
const bufferSize = 64 << 10

// openStream returns a descriptor that waits in the poller of Go, as one does that a program has
// opened itself.
func openStream(s side, fd uintptr) (io.ReadWriteCloser, error) {
	if err := setNonblock(fd); err != nil {
		return nil, err
	}
	f := os.NewFile(fd, s.Means)
	if s.Means == meansPipe {
		return f, nil
	}
	defer f.Close()
	return net.FileConn(f)
}

type streamSender struct {
	to     io.WriteCloser
	buffer *bufio.Writer // nil without a buffer
}

func openStreamSender(s side) (sender, error) {
	to, err := openStream(s, writeFD)
	if err != nil {
		return nil, err
	}
	out := &streamSender{to: to}
	if s.Batch > 1 {
		out.buffer = bufio.NewWriterSize(to, bufferSize)
	}
	return out, nil
}

// send does not see the end of ctx while it blocks; then the other side ends and closes.
func (s *streamSender) send(_ context.Context, frame []byte) (err error) {
	if s.buffer != nil {
		_, err = s.buffer.Write(frame)
	} else {
		_, err = s.to.Write(frame)
	}
	return err
}

func (s *streamSender) close() error {
	if s.buffer != nil {
		if err := s.buffer.Flush(); err != nil {
			return err
		}
	}
	return s.to.Close()
}

type streamReceiver struct {
	from  io.Reader
	end   io.Closer
	frame []byte
}

func openStreamReceiver(s side) (receiver, error) {
	from, err := openStream(s, readFD)
	if err != nil {
		return nil, err
	}
	in := &streamReceiver{from: from, end: from, frame: make([]byte, s.Size)}
	if s.Batch > 1 {
		in.from = bufio.NewReaderSize(from, bufferSize)
	}
	return in, nil
}

// receive does not see the end of ctx while it blocks, as send.
func (r *streamReceiver) receive(context.Context) ([]byte, error) {
	_, err := io.ReadFull(r.from, r.frame)
	return r.frame, err
}

func (*streamReceiver) done() {}

func (r *streamReceiver) close() error { return r.end.Close() }
