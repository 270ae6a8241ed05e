package memfdshm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// reader is the connection to a reader, as the side that opened the buffer sees it.
type reader struct {
	*link
	pid uint64 // what the reader calls itself in the OIEB

	ask      sync.Mutex // one question at a time
	lastID   uint32
	patience time.Duration // for the next answer
	answers  chan message
	ended    chan struct{} // closed when the connection has ended

	mu      sync.Mutex
	over    bool // as ended, with those who have to be told
	watches map[*watch]bool
}

// welcome says hello, waits for the answer and maps the memory that comes with it, which may
// consist of huge pages only if huge is true.
func welcome(l *link, huge bool) (*guest, error) {
	err := l.hello()
	if err == nil {
		err = l.conn.SetReadDeadline(time.Now().Add(answerTime))
	}
	var m message
	fd := -1
	if err == nil {
		m, fd, err = l.receive(true)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%w: the reader does not answer; it is stopped, or busy",
			driver.ErrNotReady)
	case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return nil, fmt.Errorf("%w: the reader has closed the connection", driver.ErrNotReady)
	case err != nil:
		return nil, fmt.Errorf("talk to the reader: %w", err)
	}
	if fd >= 0 {
		defer func() { _ = unix.Close(fd) }()
	}
	switch {
	case m.kind == kindRefused && m.a == refusedUser:
		return nil, fmt.Errorf("%w: the reader's Accept refuses this user, %d; run both as "+
			"the same user, or let the reader's Options.Accept allow it",
			driver.ErrPermission, os.Geteuid())
	case m.kind == kindHello:
		return nil, fmt.Errorf("%w: both sides open the buffer; one of them has to create it",
			fs.ErrInvalid)
	case m.kind != kindWelcome || fd < 0:
		return nil, errMessage
	}
	seg, err := openSegment(fd, m.a, m.b, huge)
	if err != nil {
		return nil, err
	}
	if err := l.conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, errors.Join(err, seg.unmap())
	}
	r := &reader{
		link: l, pid: m.c, patience: answerTime,
		answers: make(chan message, 1), ended: make(chan struct{}),
		watches: map[*watch]bool{},
	}
	go r.run()
	return &guest{segment: seg, reader: r}, nil
}

// run receives answers, and the end.
func (r *reader) run() {
	for {
		m, _, err := r.receive(false)
		if err != nil || m.kind != kindAnswer {
			break
		}
		select {
		case <-r.answers: // an old one, for which nobody waits any more
		default:
		}
		r.answers <- m
	}
	r.close() // a reader that talks nonsense is left as well
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	close(r.ended)
	for w := range r.watches {
		w.calls.Go(w.died)
	}
	clear(r.watches)
}

// query asks the reader's side. The error says that there is no answer: the reader has gone, or
// is stopped.
func (r *reader) query(m message) (yes bool, err error) {
	r.ask.Lock()
	defer r.ask.Unlock()
	r.lastID++
	m.id = r.lastID
	if err := r.send(m, -1); err != nil {
		return false, fmt.Errorf("ask the reader: %w", err)
	}
	timer := time.NewTimer(r.patience)
	defer timer.Stop()
	for {
		select {
		case a := <-r.answers:
			r.patience = answerTime
			if a.id == m.id { // an older one comes late
				return a.a == 1, nil
			}
		case <-r.ended:
			return false, fmt.Errorf("ask the reader: %w", os.ErrClosed)
		case <-timer.C:
			r.patience = answerTime / 10 // the next question is not worth so long a wait
			return false, fmt.Errorf("ask the reader: %w", os.ErrDeadlineExceeded)
		}
	}
}

// alive tells whether the reader is there.
func (r *reader) alive() bool {
	select {
	case <-r.ended:
		return false
	default:
		return !r.hungUp()
	}
}

// watch calls died when the connection ends.
func (r *reader) watch(died func()) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &watch{died: died}
	if r.over {
		w.calls.Go(died)
		return w.calls.Wait
	}
	r.watches[w] = true
	return func() {
		r.mu.Lock()
		delete(r.watches, w)
		r.mu.Unlock()
		w.calls.Wait()
	}
}

// end closes the connection and waits for the goroutine.
func (r *reader) end() {
	r.close()
	<-r.ended
}
