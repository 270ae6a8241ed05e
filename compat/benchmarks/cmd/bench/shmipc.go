//go:build linux && (amd64 || arm64)

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"

	shmipc "github.com/cloudwego/shmipc-go"
)

// haveShmipc is false where the library does not build or does not work.
const haveShmipc = true

// What was chosen for shmipc-go. A frame has a slice of its size, so that it lies in one piece and
// nobody copies it together. Memory is 8 MiB, or eight frames if that is more: with the default of
// 32 MiB frames of 64 KiB were slower, because slices are used in turn and leave the cache. A round
// trip, which needs one, has four: with eight of the largest it is a whole round until all their
// pages have been touched. The queue has a place for each slice: one that is full lets the sender
// sleep for 10 ms.
const (
	shmipcMemory = 8 << 20
	shmipcFrames = 8
	shmipcTrips  = 4
	shmipcQueue  = 1 << 17
	shmipcHeader = 64 // and more, for each slice
	shmipcSpare  = 2  // slices that are not used: the library refuses the last one
)

// shmipcSilent is the level above all others. Some messages would go to stdout, whatever the
// configuration of a session says.
const shmipcSilent = 5

func init() { shmipc.SetLogLevel(shmipcSilent) }

// shmipcConfig has the memory in a memfd, which is gone with the processes.
func (s side) shmipcConfig(suffix string) *shmipc.Config {
	frames := shmipcFrames
	if s.Role == "ask" || s.Role == "echo" {
		frames = shmipcTrips
	}
	c := shmipc.DefaultConfig()
	c.MemMapType, c.ShareMemoryPathPrefix = shmipc.MemMapTypeMemFd, s.Name+suffix
	c.InitializeTimeout, c.LogOutput = patience, io.Discard
	c.QueueCap = shmipcQueue
	c.ShareMemoryBufferCap = uint32(max(shmipcMemory, frames*(s.Size+shmipcHeader)))
	c.BufferSliceSizes = []*shmipc.SizePercentPair{{Size: uint32(s.Size), Percent: 100}}
	return c
}

func (s side) shmipcSocket(suffix string) string { return s.Address + s.Name + suffix }

// shmipcSender is the client of a session with one stream. A round trip has a session each way.
type shmipcSender struct {
	manager *shmipc.SessionManager
	stream  *shmipc.Stream
	size    int
	slices  int // in all
	free    int // of them, at least
}

func openShmipcSender(ctx context.Context, s side, suffix string) (sender, error) {
	c := shmipc.DefaultSessionManagerConfig()
	c.Config, c.Network, c.Address = s.shmipcConfig(suffix), "unix", s.shmipcSocket(suffix)
	manager, err := dialShmipc(ctx, c)
	if err != nil {
		return nil, err
	}
	stream, err := manager.GetStream()
	if err != nil {
		return nil, errors.Join(err, manager.Close())
	}
	out := &shmipcSender{manager: manager, stream: stream, size: s.Size}
	out.slices, _ = out.count()
	return out, nil
}

// dialShmipc waits until the other side listens.
func dialShmipc(
	ctx context.Context, c *shmipc.SessionManagerConfig,
) (*shmipc.SessionManager, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		manager, err := shmipc.NewSessionManager(c)
		if err == nil {
			return manager, nil
		}
		if sleep(ctx, time.Millisecond) != nil {
			return nil, fmt.Errorf("connect to shmipc: %w", err)
		}
	}
}

// count says how many slices there are, and how many of them hold a frame.
func (s *shmipcSender) count() (all, used int) {
	_, _, m := s.stream.Session().GetMetrics()
	return int(m.CapacityOfShareMemoryInBytes) / s.size, int(m.AllInUsedShareMemoryInBytes) / s.size
}

// send waits for a free slice, which the library does not: without one this frame and all that
// follow would go through its socket.
func (s *shmipcSender) send(ctx context.Context, frame []byte) error {
	if s.free == 0 {
		if err := s.await(ctx, func(used int) bool {
			s.free = max(s.slices-used-shmipcSpare, 0)
			return s.free >= s.slices/4
		}); err != nil {
			return err
		}
	}
	s.free--
	return putShmipc(ctx, s.stream, frame)
}

// shmipcStream is what putShmipc needs of a stream.
type shmipcStream interface {
	BufferWriter() shmipc.BufferWriter
	Flush(end bool) error
}

// putShmipc writes a frame until it is in the queue: after ten tries Flush drops it.
func putShmipc(ctx context.Context, s shmipcStream, frame []byte) error {
	for {
		b, err := s.BufferWriter().Reserve(len(frame))
		if err != nil {
			return err
		}
		copy(b, frame)
		if err := s.Flush(false); !errors.Is(err, shmipc.ErrQueueFull) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// await looks at how many slices hold a frame, more and more seldom.
func (s *shmipcSender) await(ctx context.Context, enough func(used int) bool) error {
	for n := 0; ; n++ {
		if _, used := s.count(); enough(used) {
			return nil
		}
		if s.stream.Session().IsClosed() {
			return errors.New("wait for the other side: it has closed")
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if n < 100 {
			runtime.Gosched()
		} else {
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// close waits until everything was read: a session that ends takes its frames with it.
func (s *shmipcSender) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.await(ctx, func(used int) bool { return used == 0 })
	_, stability, _ := s.stream.Session().GetMetrics()
	if n := stability.FallbackWriteCount; n > 0 {
		err = errors.Join(err, fmt.Errorf("use shared memory: %d frames went past it", n))
	}
	return errors.Join(err, s.stream.Close(), s.manager.Close())
}

// shmipcReceiver is the server.
type shmipcReceiver struct {
	listener net.Listener
	accepted chan error
	stream   *shmipc.Stream // there once accepted has said so
	ready    bool
	size     int
}

func openShmipcReceiver(s side, suffix string) (receiver, error) {
	listener, err := net.Listen("unix", s.shmipcSocket(suffix))
	if err != nil {
		return nil, err
	}
	in := &shmipcReceiver{listener: listener, accepted: make(chan error, 1), size: s.Size}
	// Beside what else this process does: two that send to each other connect at the same time.
	go func() { in.accepted <- in.accept(s.shmipcConfig(suffix)) }()
	return in, nil
}

// accept waits for the sender and for its first frame.
func (r *shmipcReceiver) accept(c *shmipc.Config) error {
	conn, err := r.listener.Accept()
	if err != nil {
		return err
	}
	session, err := shmipc.Server(conn, c)
	if err != nil {
		return err
	}
	r.stream, err = session.AcceptStream()
	return err
}

// receive does not see the end of ctx once there was a frame; then the other side ends and closes.
func (r *shmipcReceiver) receive(ctx context.Context) ([]byte, error) {
	if !r.ready {
		select {
		case err := <-r.accepted:
			if err != nil {
				return nil, err
			}
			r.ready = true
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	frame, err := r.stream.BufferReader().ReadBytes(r.size)
	if errors.Is(err, shmipc.ErrEndOfStream) || errors.Is(err, shmipc.ErrStreamClosed) {
		return nil, io.EOF // which of the two depends on whether the process has ended too
	}
	return frame, err
}

func (r *shmipcReceiver) done() { r.stream.BufferReader().ReleasePreviousRead() }

// close leaves the session to the end of the process.
func (r *shmipcReceiver) close() error { return r.listener.Close() }
