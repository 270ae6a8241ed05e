package memfdshm

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// accept decides about a peer.
func (b *Backend) accept(p Peer) error {
	if b.opts.Accept != nil {
		return b.opts.Accept(p)
	}
	if p.UID != os.Geteuid() {
		return fmt.Errorf("%w: it is user %d, and only user %d is accepted; run both as the same "+
			"user, or set Options.Accept on both sides", driver.ErrPermission, p.UID, os.Geteuid())
	}
	return nil
}

func (b *Backend) create(name string, config driver.Config) (driver.Channel, error) {
	p, err := b.place(name)
	if err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	listens := b.state.joined == nil && !b.opts.Private
	if listens {
		// A look before the memory is made; the one that counts is that of the listener.
		err = p.makeDir(b.opts.Dir != "")
		if err == nil {
			err = p.underLock(lockPatience, p.clear)
		}
		if err != nil {
			return nil, err
		}
	}
	c, err := b.newOwner(name, config)
	if err != nil {
		return nil, err
	}
	switch {
	case b.state.joined != nil:
		c.server.only = true
		err = b.state.joined.serve(c.server)
	case listens:
		c.listener = &listener{
			place: p, chosen: b.opts.Dir != "", config: config, server: c.server,
		}
		err = c.listener.open(lockPatience)
	}
	if err == nil {
		err = b.state.made.add(name, c.server)
	}
	if err != nil {
		return nil, errors.Join(err, c.Remove(), c.Close())
	}
	crashpoint.At("created")
	config.Logger.Debug("created buffer", "place", c.where(), "size", len(c.Memory()))
	return c, nil
}

// newOwner makes the memory, formatted and claimed, which nobody can reach yet.
func (b *Backend) newOwner(name string, config driver.Config) (*owner, error) {
	fd, seg, err := makeSegment(name, config.Size, b.opts.HugePages)
	if err != nil {
		return nil, err
	}
	if config.Format != nil {
		if err := config.Format(seg.mem, uint64(os.Getpid())); err != nil {
			return nil, errors.Join(err, seg.unmap(), unix.Close(fd))
		}
	}
	crashpoint.At("format")
	s := &server{
		fd: fd, seg: seg, accept: b.accept, log: config.Logger,
		watches: map[*watch]*client{}, refused: map[int]bool{},
	}
	s.roles[driver.Reader].holder = s
	return &owner{segment: seg, server: s, backend: b, name: name}, nil
}

// state is what a backend remembers.
type state struct {
	joined *joined // of a backend made by Join, else nil
	made   registry
}

func (s *state) join(f *os.File) { s.joined = &joined{file: f} }

// registry is the buffers that a backend has created, by name: for Invite.
type registry struct {
	mu      sync.Mutex
	servers map[string]*server
}

// add remembers a buffer. Where nobody listens, this is the only place in which a name can be
// taken.
func (r *registry) add(name string, s *server) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.servers[name] != nil {
		return fmt.Errorf("create buffer %q: %w in this process", name, driver.ErrReaderConnected)
	}
	if r.servers == nil {
		r.servers = map[string]*server{}
	}
	r.servers[name] = s
	return nil
}

func (r *registry) get(name string) *server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.servers[name]
}

// remove undoes add.
func (r *registry) remove(name string, s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.servers[name] == s {
		delete(r.servers, name)
	}
}

func (b *Backend) invite(name string) (*os.File, error) {
	s := b.state.made.get(name)
	if s == nil {
		return nil, fmt.Errorf("invite to buffer %q: %w: this backend has not created it",
			name, driver.ErrNotFound)
	}
	own, other, err := pair()
	if err != nil {
		return nil, err
	}
	l, err := newLink(own)
	if err != nil {
		other.Close()
		return nil, err
	}
	if err := s.adopt(&client{link: l, trusted: true}); err != nil {
		other.Close()
		return nil, err
	}
	return other, nil
}

// open connects to a reader, in whatever way this backend does.
func (b *Backend) open(name string, config driver.Config) (driver.Channel, error) {
	p, err := b.place(name)
	if err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	var g *guest
	switch {
	case b.state.joined != nil:
		g, err = b.state.joined.open()
	case b.opts.Private:
		err = fmt.Errorf("%w by its name: this backend is Private; use Join with what the reader's "+
			"Invite returned", driver.ErrNotFound)
	default:
		g, err = b.dial(p, name)
	}
	if err != nil {
		return nil, fmt.Errorf("open buffer %q: %w", name, err)
	}
	crashpoint.At("opened")
	g.name = name
	config.Logger.Debug("opened buffer", "name", name, "size", len(g.Memory()))
	return g, nil
}

// dial connects to the place of a buffer and to the reader there.
func (b *Backend) dial(p place, name string) (*guest, error) {
	if p.dir != "" && b.opts.Dir == "" {
		if err := p.checkDir(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	fd, err := p.connect()
	for began := time.Now(); mayPass(err, time.Since(began)); {
		time.Sleep(time.Millisecond)
		fd, err = p.connect()
	}
	if err != nil {
		return nil, b.connectError(p, name, err)
	}
	l, err := newLink(os.NewFile(uintptr(fd), "zerobuffer-socket"))
	if err != nil {
		return nil, err
	}
	peer, err := l.credentials()
	if err == nil {
		// Whoever listens there could be anybody: it gets nothing before it is accepted.
		err = b.accept(peer)
	}
	var g *guest
	if err == nil {
		g, err = welcome(l, b.opts.HugePages)
	}
	if err != nil {
		l.close()
	}
	return g, err
}

// mayPass tells whether to try again after waiting for so long: while so many wait there that no
// more are let in, and for a moment after a refusal, because a new socket has the mode that its
// reader wants a moment after it has its name.
func mayPass(err error, waited time.Duration) bool {
	switch {
	case err == unix.EAGAIN:
		return waited < answerTime
	case errors.Is(err, fs.ErrPermission):
		return waited < answerTime/10
	}
	return false
}

// connectError says what a failed connect(2) means.
func (b *Backend) connectError(p place, name string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT) && b.opts.Dir == "":
		return fmt.Errorf("%w at %s; start its reader first%s (readers of other users, or with "+
			"another XDG_RUNTIME_DIR, are elsewhere)", driver.ErrNotFound, p, p.similar(name))
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%w at %s; start its reader first%s",
			driver.ErrNotFound, p, p.similar(name))
	case err == unix.ECONNREFUSED && p.dir == "":
		return fmt.Errorf("%w at %s; start its reader first", driver.ErrNotFound, p)
	case err == unix.ECONNREFUSED:
		return fmt.Errorf("%w: nobody listens at %s, its reader was killed; start it again",
			driver.ErrNotReady, p)
	case err == unix.EAGAIN:
		return fmt.Errorf("%w: too many connections wait at %s", driver.ErrNotReady, p)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("connect to %s: %w for user %d; run both sides as the same user, or let "+
			"the reader choose Mode, Group and a directory that others may enter", p,
			driver.ErrPermission, os.Geteuid())
	case err == unix.EPROTOTYPE || err == unix.ENOTSOCK:
		return fmt.Errorf("connect to %s: %w: it is something else than the socket of a reader",
			p, fs.ErrInvalid)
	}
	return fmt.Errorf("connect to %s: %w", p, err)
}
