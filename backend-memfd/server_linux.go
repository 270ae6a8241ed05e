package memfdshm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	// maxIdle is how many connections may be open that have no role. Beyond it one is closed for
	// each that comes: a flood of connections costs no more than that, and does not keep a writer
	// out, which says hello at once and then claims its role.
	maxIdle = 64
	// maxServed is how many connections may be served at all, those included that are closed and
	// whose Accept has not returned yet. The next ones wait in the queue of the socket.
	maxServed = 2 * maxIdle
	// acceptPause is how long the server waits when it cannot accept a connection.
	acceptPause = 10 * time.Millisecond
)

// server is the reader's side of all connections to its buffer: it hands out the memory, and
// knows who lives.
type server struct {
	fd     int // of the memfd
	seg    *segment
	accept func(Peer) error
	log    *slog.Logger
	// only is true if the first connection is the only one that can ever come.
	only bool

	mu      sync.Mutex
	closed  bool
	over    bool      // the only connection has ended
	clients []*client // in the order in which they came
	served  int       // goroutines that serve
	roles   [2]role
	watches map[*watch]*client
	refused map[int]bool // users, so that each is in the log once
	running sync.WaitGroup
}

// client is a connection as the server sees it.
type client struct {
	*link
	pid     uint64 // what it calls itself in the OIEB; 0 until it has said hello
	trusted bool   // it was invited, or came by a socket that both have been given
}

// listenOn accepts connections until the listener is closed.
func (s *server) listenOn(l *net.UnixListener) {
	warned := false
	for {
		for s.busy() {
			if l.SetDeadline(time.Time{}) != nil {
				return // closed meanwhile
			}
			time.Sleep(acceptPause)
		}
		conn, err := l.AcceptUnix()
		switch {
		case err == nil:
			warned = false
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of descriptors, or of memory: those who wait stay in the queue
			if !warned {
				s.log.Warn("cannot accept connections for now", "error", err)
			}
			warned = true
			time.Sleep(acceptPause)
			continue
		}
		made, err := linkOf(conn)
		if err == nil {
			err = s.adopt(&client{link: made})
		}
		if err != nil {
			s.log.Debug("cannot serve a connection", "error", err)
		}
	}
}

func (s *server) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served >= maxServed && !s.closed
}

// adopt serves a client in a goroutine of its own.
func (s *server) adopt(c *client) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.close()
		return fmt.Errorf("serve a connection: the buffer is closed: %w", os.ErrClosed)
	}
	s.clients = append(s.clients, c)
	if idle := s.idle(); len(idle) > maxIdle {
		s.dismiss(superfluous(idle))
	}
	s.served++
	s.running.Go(func() {
		err := s.serve(c)
		s.log.Debug("connection has ended", "reason", err)
		s.drop(c)
	})
	s.mu.Unlock()
	return nil
}

// idle lists the clients without a role. s.mu is held.
func (s *server) idle() []*client {
	var idle []*client
	for _, c := range s.clients {
		if !c.trusted && s.roles[driver.Writer].holder != c {
			idle = append(idle, c)
		}
	}
	return idle
}

// superfluous picks the connection that is missed least: one that has ended already, else the
// oldest that has not said hello, else the oldest of all. The server's mu is held.
func superfluous(idle []*client) *client {
	for _, unwanted := range []func(*client) bool{
		func(c *client) bool { return c.hungUp() },
		func(c *client) bool { return c.pid == 0 && c.silent() },
	} {
		if i := slices.IndexFunc(idle, unwanted); i >= 0 {
			return idle[i]
		}
	}
	return idle[0]
}

// dismiss closes a connection; its goroutine does the rest. s.mu is held.
func (s *server) dismiss(c *client) {
	c.close()
	s.clients = slices.DeleteFunc(s.clients, func(o *client) bool { return o == c })
}

// drop forgets a client whose connection has ended, and tells those who watch it.
func (s *server) drop(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dismiss(c)
	s.served--
	s.over = s.only
	for r := range s.roles {
		s.roles[r].lose(c)
	}
	for w, watched := range s.watches {
		if watched == c {
			delete(s.watches, w)
			w.calls.Go(w.died)
		}
	}
}

// abandoned tells whether nobody is connected and nobody can ever come.
func (s *server) abandoned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// serve talks with one client until it ends, which is no error of anybody.
func (s *server) serve(c *client) error {
	if err := s.greet(c); err != nil {
		return err
	}
	for {
		m, _, err := c.receive(false)
		if err != nil {
			return err
		}
		answer, err := s.answer(c, m)
		if err == nil {
			err = c.send(message{kind: kindAnswer, id: m.id, a: answer}, -1)
		}
		if err != nil {
			return err
		}
	}
}

// greet waits for hello and hands out the memory.
func (s *server) greet(c *client) error {
	var unwanted error
	if !c.trusted { // else it may be a while until the other process runs
		unwanted = s.check(c)
		if err := c.conn.SetReadDeadline(time.Now().Add(answerTime)); err != nil {
			return err
		}
	}
	// Its hello is received in any case: a refusal would be lost if it were left unread.
	m, _, err := c.receive(false)
	var other versionError
	switch {
	case unwanted != nil && err == nil:
		return errors.Join(unwanted, c.send(message{kind: kindRefused, a: refusedUser}, -1))
	case errors.As(err, &other):
		return errors.Join(err, c.send(message{kind: kindRefused, a: refusedVersion}, -1))
	case err != nil:
		return errors.Join(unwanted, err)
	case m.kind != kindHello || m.a == 0:
		return errMessage
	}
	s.mu.Lock()
	c.pid = m.a
	s.mu.Unlock()
	welcome := message{
		kind: kindWelcome, a: uint64(len(s.seg.mem)), b: s.seg.words, c: uint64(os.Getpid()),
	}
	if err := c.send(welcome, s.fd); err != nil {
		return err
	}
	return c.conn.SetReadDeadline(time.Time{})
}

// check asks whether the client is let in.
func (s *server) check(c *client) error {
	peer, err := c.credentials()
	if err == nil {
		err = s.accept(peer)
	}
	if err != nil {
		s.log.Log(context.Background(), s.refusalLevel(peer.UID), "refused a connection",
			"uid", peer.UID, "pid", peer.PID, "error", err)
	}
	return err
}

// refusalLevel makes the first refusal of a user a warning: a user who tries again and again must
// not fill the log.
func (s *server) refusalLevel(uid int) slog.Level {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused[uid] || len(s.refused) >= maxIdle {
		return slog.LevelDebug
	}
	s.refused[uid] = true
	return slog.LevelWarn
}

// stop closes all connections, which tells the clients that the reader has gone, and lets no more
// in.
func (s *server) stop() {
	s.mu.Lock()
	s.closed = true
	s.roles = [2]role{}
	for _, c := range s.clients {
		c.close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// close gives up the descriptor of the memory, after stop.
func (s *server) close() error { return unix.Close(s.fd) }
