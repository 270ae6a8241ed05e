package memfdshm

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// maxIdle is how many connections may be open that have no role. Beyond it one is closed for each
// that comes: a flood of connections costs no more than that, and does not keep a writer out, which
// says hello at once and then claims its role.
const maxIdle = 64

// server is the reader's side of all connections to its buffer: it hands out the memory, and
// knows who lives.
type server struct {
	fd     int // of the memfd
	seg    *segment
	accept func(Peer) error
	log    *slog.Logger

	mu      sync.Mutex
	closed  bool
	clients []*client // in the order in which they came
	// claims tells by role who has it: nil, the server itself for its own side, or a *client.
	claims  [2]any
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

// watch waits for the end of a client.
type watch struct {
	died  func()
	calls sync.WaitGroup
}

// listenOn accepts connections until the listener is closed.
func (s *server) listenOn(l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of descriptors, or of memory: those who wait stay in the queue
			s.log.Warn("cannot accept a connection", "error", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if l, err := linkOf(conn); err == nil {
			s.adopt(&client{link: l})
		}
	}
}

// adopt serves a client in a goroutine of its own.
func (s *server) adopt(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.close()
		return
	}
	s.clients = append(s.clients, c)
	if idle := s.idle(); len(idle) > maxIdle {
		superfluous(idle).close() // its goroutine does the rest
		s.log.Debug("closed one of many connections without a role")
	}
	s.running.Go(func() {
		err := s.serve(c)
		s.log.Debug("connection has ended", "pid", c.pid, "reason", err)
		s.drop(c)
	})
}

// idle lists the clients without a role. s.mu is held.
func (s *server) idle() []*client {
	var idle []*client
	for _, c := range s.clients {
		if !c.trusted && s.claims[driver.Writer] != c {
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

// drop forgets a client and tells those who watch it.
func (s *server) drop(c *client) {
	c.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = slices.DeleteFunc(s.clients, func(o *client) bool { return o == c })
	for role, holder := range s.claims {
		if holder == c {
			s.claims[role] = nil
		}
	}
	for w, watched := range s.watches {
		if watched == c {
			delete(s.watches, w)
			w.calls.Go(w.died)
		}
	}
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

// answer answers a question of a client: 1 for yes, 0 for no.
func (s *server) answer(c *client, m message) (uint64, error) {
	var yes bool
	switch m.kind {
	case kindClaim:
		yes = m.role == driver.Writer && s.claim(m.role, c)
	case kindRelease:
		yes = s.release(m.role, c)
	case kindOurs:
		yes = s.ours(m.role)
	case kindAlive:
		yes = s.alive(m.role, m.a, c)
	default:
		return 0, errMessage
	}
	if yes {
		return 1, nil
	}
	return 0, nil
}

// claim gives a role to holder unless another one has it.
func (s *server) claim(role driver.Role, holder any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if now := s.holder(role); now != nil && now != holder {
		return false
	}
	s.claims[role] = holder
	return true
}

// holder returns who has a role. A client whose process has just ended has none, even if its
// goroutine has not noticed yet. s.mu is held.
func (s *server) holder(role driver.Role) any {
	if c, ok := s.claims[role].(*client); ok && c.hungUp() {
		return nil
	}
	return s.claims[role]
}

// release takes a role back from holder.
func (s *server) release(role driver.Role, holder any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[role] != holder {
		return false
	}
	s.claims[role] = nil
	return true
}

// ours tells whether somebody has the role.
func (s *server) ours(role driver.Role) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holder(role) != nil
}

// alive tells whether the peer in that role, with that PID, has a connection. asker, who may have
// the role itself, does not count.
func (s *server) alive(role driver.Role, pid uint64, asker any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.holder(role); h != nil && h != asker {
		return true
	}
	if role == driver.Reader {
		return !s.closed && pid == uint64(os.Getpid())
	}
	return pid != 0 && slices.ContainsFunc(s.clients, func(c *client) bool {
		return c != asker && c.pid == pid && !c.hungUp()
	})
}

// watch calls died when the connection of the process pid ends.
func (s *server) watch(pid uint64, died func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	watched, _ := s.claims[driver.Writer].(*client)
	for _, c := range s.clients {
		if c.pid == pid && (watched == nil || watched.pid != pid) {
			watched = c
		}
	}
	if watched == nil || watched.pid != pid {
		return func() {}
	}
	w := &watch{died: died}
	s.watches[w] = watched
	return func() {
		s.mu.Lock()
		delete(s.watches, w)
		s.mu.Unlock()
		w.calls.Wait()
	}
}

// stop closes all connections, which tells the clients that the reader has gone, and lets no more
// in.
func (s *server) stop() {
	s.mu.Lock()
	s.closed = true
	s.claims = [2]any{}
	for _, c := range s.clients {
		c.close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// close gives up the descriptor of the memory, after stop.
func (s *server) close() error { return unix.Close(s.fd) }
