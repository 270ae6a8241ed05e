package memfdshm

import (
	"os"
	"slices"
	"sync"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// role is one side of the buffer, as the server gives it away.
type role struct {
	// holder is who has it: nil, the server itself for its own side, or a *client.
	holder any
	// died is the PID of a client that ended while it had the role. In another PID namespace
	// somebody else may have the same number.
	died uint64
}

// lose takes the role from a client that has ended.
func (r *role) lose(c *client) {
	if r.holder == c {
		r.holder, r.died = nil, c.pid
	}
}

// role returns a role as it is now. A client whose process has just ended has none, even if its
// goroutine has not noticed yet. s.mu is held.
func (s *server) role(of driver.Role) *role {
	r := &s.roles[of]
	if c, ok := r.holder.(*client); ok && c.hungUp() {
		r.lose(c)
	}
	return r
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
func (s *server) claim(of driver.Role, holder any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.role(of)
	if s.closed || r.holder != nil && r.holder != holder {
		return false
	}
	r.holder = holder
	return true
}

// release takes a role back from holder.
func (s *server) release(of driver.Role, holder any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.role(of)
	if r.holder != holder {
		return false
	}
	*r = role{}
	return true
}

// ours tells whether somebody has the role.
func (s *server) ours(of driver.Role) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.role(of).holder != nil
}

// alive tells whether the peer in that role, with that PID, has a connection. asker, who may have
// the role itself, does not count.
func (s *server) alive(of driver.Role, pid uint64, asker any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.role(of)
	switch {
	case r.holder != nil && r.holder != asker:
		return true
	case of == driver.Reader:
		return !s.closed && pid == uint64(os.Getpid())
	case pid == 0 || pid == r.died:
		return false
	}
	return slices.ContainsFunc(s.clients, func(c *client) bool {
		return c != asker && c.pid == pid && !c.hungUp()
	})
}

// watch waits for the end of a client.
type watch struct {
	died  func()
	calls sync.WaitGroup
}

// watch calls died when the connection of the process pid ends: that of the writer if it has this
// number, else that of any client.
func (s *server) watch(pid uint64, died func()) (stop func()) {
	if pid == 0 { // that of a client that has not told its own
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	watched, ok := s.roles[driver.Writer].holder.(*client)
	if !ok || watched.pid != pid {
		i := slices.IndexFunc(s.clients, func(c *client) bool { return c.pid == pid })
		if i < 0 {
			return nil
		}
		watched = s.clients[i]
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
