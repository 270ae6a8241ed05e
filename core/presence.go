package zerobuffer

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// meetTries bounds how often a writer_pid is looked at that changes all the time. The rest is left
// for the next look.
const meetTries = 4

// writerView is what a Reader knows about its writer. The call in progress owns it.
type writerView struct {
	pid     uint64 // last one seen alive, 0 for none
	foreign bool   // it is no program of ours
	surplus bool   // a token came without a frame, as a closing writer leaves it
	gone    error  // nil while a writer is there or before the first one came
	count   uint64 // written_count when it was found dead
}

// stuck is the sight of a writer that waits for space. If it is the same twice, closeLook apart,
// and space is missing, then the space was lost.
type stuck struct {
	since    time.Time
	pid      uint64
	pos      uint64
	free     uint64
	possible bool
}

// meetWriter looks who writes and sets r.writer. A process is asked for only when its PID is new
// or look is true; the system is not troubled at each frame.
func (r *Reader) meetWriter(look bool) {
	o := r.s.seg.OIEB
	v := &r.writer
	for range meetTries {
		pid := o.WriterPID.Load()
		switch {
		case pid == 0:
			came := errors.Is(v.gone, ErrWriterDead) && o.WrittenCount.Load() != v.count
			if came || v.gone == nil && (v.pid != 0 || r.touched()) {
				v.gone = ErrWriterClosed
				r.s.log.Info("writer closed", "pid", v.pid)
			}
			v.pid, r.s.ours = 0, false
			return
		case pid == v.pid && !look:
			return
		}
		live := r.s.ch.Liveness()
		if live.Alive(driver.Writer, pid) {
			if pid != v.pid {
				r.s.log.Info("writer connected", "pid", pid)
				*v = writerView{pid: pid, foreign: !live.Ours(driver.Writer)}
				r.s.ours = !v.foreign
				r.s.watchPeer(pid)
			} else if r.s.told.Load() {
				r.s.watchPeer(pid) // it was the end of another writer with this number
			}
			return
		}
		count := o.WrittenCount.Load()
		if r.bury(pid) {
			*v = writerView{gone: ErrWriterDead, count: count}
			r.s.ours = false
			return
		}
	}
}

// touched tells whether a writer was here that this Reader has not seen.
func (r *Reader) touched() bool {
	o := r.s.seg.OIEB
	return r.writer.surplus || o.WrittenCount.Load() != 0 || o.WritePos.Load() != 0 ||
		o.MetadataWritten.Load() != 0
}

// bury repairs what the dead writer pid left, and takes its PID out so that no peer takes the
// buffer for abandoned (contract 5). It returns false if another writer has come meanwhile.
func (r *Reader) bury(pid uint64) bool {
	r.buried.Store(pid) // partner: left, which looks at it after writer_pid
	healed := r.ring.Heal(pid)
	if tokens, waiters := r.s.peer.State(); waiters > 0 && r.s.seg.OIEB.WriterPID.Load() == pid {
		// It was killed while it waited; its place in the queue would swallow wake-ups.
		r.s.peer.ResetWaiters(tokens, waiters)
		crashpoint.At("bury-waiters")
	}
	if !r.s.seg.OIEB.WriterPID.CompareAndSwap(pid, 0) {
		return false
	}
	crashpoint.At("bury")
	if healed {
		r.healed.Add(1)
	}
	r.s.log.Warn("writer died", "pid", pid, "space_repaired", healed)
	return true
}

// freeStuckWriter gives a writer the space that was lost to an addition without atomicity, or to
// accounts left half done, or that is taken by a frame whose token was lost. It returns when to
// look again.
func (r *Reader) freeStuckWriter() time.Duration {
	o := r.s.seg.OIEB
	tokens, waiters := r.s.peer.State()
	if tokens != 0 || waiters == 0 {
		r.stuck = stuck{}
		return r.s.rest(true)
	}
	seen := stuck{
		since: time.Now(), possible: true,
		pid: o.WriterPID.Load(), pos: o.WritePos.Load(), free: o.PayloadFree.Load(),
	}
	last := r.stuck
	if !last.possible || seen.pid != last.pid || seen.pos != last.pos || seen.free != last.free {
		r.stuck = seen
		return closeLook
	}
	if seen.since.Sub(last.since) < closeLook {
		return closeLook
	}
	r.stuck = stuck{}
	if !r.ring.Heal(seen.pid) {
		// All that it has written is there, so a frame needs no token. If one waits, its token was
		// lost: its writer was killed before the post, and this one came before that was noticed.
		r.credit++ // without a frame it does no harm
		return closeLook
	}
	r.healed.Add(1)
	r.s.log.Warn("payload_free_bytes was wrong and was repaired", "was", seen.free,
		"is", o.PayloadFree.Load())
	_ = r.s.peer.Post(1) // cannot overflow: there was no token
	crashpoint.At("unstick")
	return idleLook
}

// WriterConnected tells whether a live writer is connected now.
func (r *Reader) WriterConnected() bool {
	return r.s.present(driver.Writer)
}

// pidOf is the word that holds the PID of the side in that role.
func (s *session) pidOf(role driver.Role) *atomic.Uint64 {
	if role == driver.Writer {
		return &s.seg.OIEB.WriterPID
	}
	return &s.seg.OIEB.ReaderPID
}

// present tells whether the side in that role is alive.
func (s *session) present(role driver.Role) (yes bool) {
	_ = s.look(func() error {
		pid := s.pidOf(role).Load()
		yes = pid != 0 && s.ch.Liveness().Alive(role, pid)
		return nil
	})
	return yes
}

// WaitWriter waits until a writer is connected. After [ErrWriterClosed] or [ErrWriterDead] it
// waits for the next one. It ends with [ErrSegmentRemoved] when none can come any more.
func (r *Reader) WaitWriter(ctx context.Context) error {
	return r.s.poll(ctx, "wait for a writer of", func(look bool) (bool, error) {
		if r.WriterConnected() {
			return true, nil
		}
		if err := r.s.aside(r.buryDead); err != nil || !look {
			return false, err
		}
		return false, r.s.look(r.s.ch.Check)
	})
}

// buryDead buries the writer if it is dead: the next one may wait for that, and while this Reader
// reads nothing, nobody else does it.
func (r *Reader) buryDead() {
	if r.s.seg.OIEB.WriterPID.Load() != 0 {
		r.meetWriter(true)
	}
}

// left tells whether the writer has gone that was there at an earlier look, or that left its PID.
// seen is what the caller saw before. Unlike meetWriter it repairs nothing, so it may be called
// beside the call in progress.
func (r *Reader) left(seen *uint64) error {
	pid := r.s.seg.OIEB.WriterPID.Load()
	switch {
	case pid == 0 && *seen == 0:
		return nil // the first one has not come yet
	case pid == 0 && r.buried.Load() == *seen:
		return ErrWriterDead // the call in progress was faster
	case pid == 0:
		return ErrWriterClosed
	case r.s.ch.Liveness().Alive(driver.Writer, pid):
		*seen = pid
		return nil
	case r.s.seg.OIEB.WriterPID.Load() == pid:
		return ErrWriterDead
	}
	return nil // it was buried, or the next one has come: look again
}

// poll calls done every few milliseconds until it returns true or an error, for the rare waits that
// no semaphore ends. look is true when it is time to look after the objects.
func (s *session) poll(
	ctx context.Context, what string, done func(look bool) (bool, error),
) error {
	const every = 5 * time.Millisecond
	var looked time.Time
	for timer := time.NewTimer(every); ; timer.Reset(every) {
		if s.closed.Load() {
			return s.errorf(what, ErrClosed)
		}
		if err := ctx.Err(); err != nil {
			return s.errorf(what, asTimeout(err, errTimeout))
		}
		now := time.Now()
		look := now.Sub(looked) >= idleLook
		if look {
			looked = now
		}
		if ok, err := done(look); ok || err != nil {
			return s.errorf(what, err)
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}
