package zerobuffer

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const (
	// secondLook is when an attaching writer looks again whether a peer took its place: peers
	// check and set their PID in two steps (contract 5).
	secondLook = 10 * time.Millisecond
	// surplusLook is how long the token of a writer that closes may come after its PID has gone.
	surplusLook = 20 * time.Millisecond
	// burialTime is how long an attaching writer that finds the PID of a process that lives waits for
	// the reader to find out that the writer with this number is dead.
	burialTime = 500 * time.Millisecond
	// leftoverLooks is how often, closeLook apart, the reader of what cannot be used is looked for.
	leftoverLooks = 5
	// resetTries bounds how often a changing semaphore is looked at.
	resetTries = 100
	// claimTries bounds how often a changing writer_pid is exchanged.
	claimTries = 4
)

// newWriter connects for the first time, and sets up what stays for all buffers to come.
func newWriter(b driver.Backend, name string, opts WriterOptions) (*Writer, error) {
	w, err := connect(b, name, opts, nil)
	if err != nil {
		return nil, err
	}
	openWriters.Add(1)
	w.next.backend = b
	w.cleanup = runtime.AddCleanup(w, (*session).drop, w.s)
	return w, nil
}

// perhapsDeadError is [ErrWriterConnected] where the writer may be dead, as a reader of ours finds
// out.
type perhapsDeadError struct{ error }

func (e perhapsDeadError) Unwrap() error { return e.error }

// burial is how a writer waits for the reader to bury the last one. Between two tries it has
// nothing open: the reader may ask the system whether anybody has.
type burial struct{ began time.Time }

// mayCome tells whether err, with which a try has ended, may be none a moment later.
func (b *burial) mayCome(err error) bool {
	if !errors.As(err, new(perhapsDeadError)) {
		return false
	}
	if b.began.IsZero() {
		b.began = time.Now()
	}
	return time.Since(b.began) < burialTime
}

// connect opens the channel and gives it back if the rest goes wrong. metadata has to fit into the
// buffer, and is not set here.
func connect(
	b driver.Backend, name string, opts WriterOptions, metadata []byte,
) (*Writer, error) {
	ch, err := b.Open(name, driver.Config{Logger: opts.Logger})
	if err != nil {
		return nil, err
	}
	w, err := attach(ch, name, opts, metadata)
	if err != nil {
		return nil, errors.Join(err, ch.Remove(), ch.Close())
	}
	return w, nil
}

// attach takes the role of the writer and repairs what the one before left.
func attach(
	ch driver.Channel, name string, opts WriterOptions, metadata []byte,
) (_ *Writer, err error) {
	defer unguard(guard(), ch, &err)
	seg, err := layout.Attach(ch.Memory())
	if errors.Is(err, layout.ErrNotReady) {
		return nil, fmt.Errorf("%w: %w", ErrNotReady, err)
	} else if err != nil {
		return nil, unlessLeftover(ch, err)
	}
	live := ch.Liveness()
	if err := meetReader(seg, live); err != nil {
		return nil, err
	}
	if err := checkMetadata(seg, metadata); err != nil {
		return nil, err
	}
	if err := meetWriter(ch, seg); err != nil {
		return nil, err
	}
	if err := live.Claim(driver.Writer); err != nil {
		return nil, err
	}
	crashpoint.At("claim")
	s := newSession(name, driver.Writer, ch, opts.Wait, opts.Logger)
	s.seg = seg
	w := &Writer{s: s, opts: opts, ring: ring.NewProducer(seg, s.peer, opts.Lap)}
	if opts.Wait != WaitBlock {
		opened := time.Now()
		w.ring.Pace(func() int64 { return int64(time.Since(opened)) })
	}
	before, err := w.claimPID()
	if err != nil {
		return nil, err
	}
	if err := w.recover(before); err != nil {
		seg.OIEB.WriterPID.CompareAndSwap(s.pid, before)
		crashpoint.At("attach-undone")
		return nil, err
	}
	s.tune(opts.Memory)
	s.watchPeer(seg.OIEB.ReaderPID.Load())
	return w, nil
}

// unlessLeftover returns err, which says that the segment cannot be used, or [ErrNotReady] if it is
// what a dead reader has left, into which anything may have been written: the next reader replaces
// it. Who looks at a leftover has it open for a moment, and may be taken for its reader then, so
// there are several looks.
func unlessLeftover(ch driver.Channel, err error) error {
	o, viewErr := layout.View(ch.Memory())
	if viewErr != nil {
		return err
	}
	for range leftoverLooks {
		if pid := o.ReaderPID.Load(); !ch.Liveness().Alive(driver.Reader, pid) {
			return fmt.Errorf("%w: a dead reader has left it, and %s", ErrNotReady, err.Error())
		}
		time.Sleep(closeLook)
	}
	return err
}

// meetReader returns an error unless the reader lives.
func meetReader(seg layout.Segment, live driver.Liveness) error {
	if pid := seg.OIEB.ReaderPID.Load(); !live.Alive(driver.Reader, pid) {
		return fmt.Errorf("%w: its reader with PID %d is dead; start the reader again: %w",
			ErrNotReady, pid, ErrReaderDead)
	}
	return nil
}

// meetWriter returns an error if a writer of another language lives. That is asked before the
// claim: the reader would take the end of a claim for the death of the writer beside which it was.
// A process with the number of the writer need not be the writer: after one in another PID
// namespace it is some process here, and in a container that was started again it may be this one.
// Only a reader of ours can tell then, and buries a dead one. Nobody does so in a leftover.
func meetWriter(ch driver.Channel, seg layout.Segment) error {
	pid, live := seg.OIEB.WriterPID.Load(), ch.Liveness()
	// Of a writer of ours the claim tells.
	if pid == 0 || live.Ours(driver.Writer) || !live.Alive(driver.Writer, pid) {
		return nil
	}
	err := fmt.Errorf("%w with PID %d", ErrWriterConnected, pid)
	if live.Ours(driver.Reader) {
		return perhapsDeadError{err}
	}
	return unlessLeftover(ch, err)
}

// claimPID puts the PID of this process into the segment and returns what was there. No other
// program of ours is the writer: this one has the claim.
func (w *Writer) claimPID() (before uint64, err error) {
	o, live := w.s.seg.OIEB, w.s.ch.Liveness()
	for range claimTries {
		pid := o.WriterPID.Load()
		if pid != 0 && live.Alive(driver.Writer, pid) {
			return 0, fmt.Errorf("%w with PID %d", ErrWriterConnected, pid)
		}
		if pid == 0 && o.WrittenCount.Load() != 0 {
			if err := w.dropSurplus(); err != nil {
				return 0, err
			}
		}
		if !o.WriterPID.CompareAndSwap(pid, w.s.pid) {
			continue
		}
		crashpoint.At("claim-pid")
		time.Sleep(secondLook)
		if now := o.WriterPID.Load(); now != w.s.pid {
			return 0, fmt.Errorf("%w with PID %d", ErrWriterConnected, now)
		}
		crashpoint.At("second-look")
		return pid, nil
	}
	return 0, fmt.Errorf("writer_pid changes all the time: %w", ErrCorrupt)
}

// dropSurplus takes away the token that a writer may have left at its end for a foreign reader.
func (w *Writer) dropSurplus() error {
	if w.s.ch.Liveness().Ours(driver.Reader) {
		return nil // a surplus token does no harm there
	}
	if err := w.ring.DropSurplus(); err != nil {
		return err
	}
	time.Sleep(surplusLook)
	return w.ring.DropSurplus()
}

// recover checks the objects once more and goes on where the last writer stopped.
func (w *Writer) recover(before uint64) error {
	s := w.s
	if err := s.ch.Check(); errors.Is(err, ErrSegmentRemoved) {
		return fmt.Errorf("%w: %w", ErrNotReady, err) // a new reader is just replacing it
	} else if err != nil {
		return err
	}
	// Who looks at the leftover of a dead reader has it open for a moment, and may have been taken
	// for that reader at the first look.
	if err := meetReader(s.seg, s.ch.Liveness()); err != nil {
		return err
	}
	s.ours = s.ch.Liveness().Ours(driver.Reader)
	// The last writer may have been killed while it waited; nobody else waits on this semaphore. A
	// post of the reader at the same moment makes the reset fail.
	for range resetTries {
		tokens, waiters := s.sem.State()
		if waiters == 0 || s.sem.ResetWaiters(tokens, waiters) {
			break
		}
	}
	crashpoint.At("reset-waiters")
	rec, err := w.ring.Attach(!s.ours)
	if err != nil {
		return err
	}
	w.doubt.Store(w.ring.Doubt())
	s.log.Info("writer connected", "foreign_reader", !s.ours, "last_sequence", rec.Sequence,
		"unread", rec.Unread, "payload_size", len(s.seg.Payload))
	if rec.Finished != 0 || rec.Restart || before != 0 {
		s.log.Warn("went on after a dead writer", "pid", before, "frames_finished", rec.Finished,
			"restart_undone", rec.Restart, "bytes_in_doubt", w.ring.Doubt())
	}
	return nil
}

// peersMet is looked at for each frame: is the reader still there, and is this still the writer?
// The two PIDs share a cache line with the counts that are stored anyway.
func (w *Writer) peersMet() bool {
	o := w.s.seg.OIEB
	return o.WriterPID.Load() == w.s.pid && o.ReaderPID.Load() != 0 && w.gone == nil &&
		!w.s.peerEnded.Load()
}

// meetPeers returns an error if they are not both there.
func (w *Writer) meetPeers() error {
	if w.peersMet() {
		return nil
	}
	return w.missPeers()
}

// missPeers says what is wrong when something is not as it is for all frames but a few.
func (w *Writer) missPeers() error {
	o := w.s.seg.OIEB
	if pid := o.WriterPID.Load(); pid != w.s.pid {
		if err := w.displaced(pid); err != nil {
			return err
		}
	}
	if w.gone != nil {
		return w.gone
	}
	if o.ReaderPID.Load() == 0 {
		return &ReaderGoneError{Closed: true, Unread: w.ring.Unread()}
	}
	if w.s.peerEnded.Swap(false) {
		return w.lookForReader()
	}
	return nil
}

// displaced handles a foreign PID in the place of ours: a peer whose attach failed may have
// zeroed it, then it is put back; a live writer has taken over, or one that has written and gone.
func (w *Writer) displaced(pid uint64) error {
	o := w.s.seg.OIEB
	if pid != 0 && w.s.ch.Liveness().Alive(driver.Writer, pid) || !w.ring.Undisturbed() {
		frames, bytes := w.ring.Forget() // others may be in their place
		w.written.Frames.Add(-frames)
		w.written.Bytes.Add(-bytes)
		return fmt.Errorf("%w: PID %d", ErrWriterReplaced, pid)
	}
	o.WriterPID.CompareAndSwap(pid, w.s.pid)
	crashpoint.At("pid-put-back")
	w.s.log.Warn("writer_pid was overwritten and put back", "was", pid)
	return nil
}

// lookForReader asks the system whether the reader is alive.
func (w *Writer) lookForReader() error {
	if err := w.meetPeers(); err != nil {
		return err
	}
	pid := w.s.seg.OIEB.ReaderPID.Load()
	if pid != 0 && w.s.ch.Liveness().Alive(driver.Reader, pid) {
		return nil
	}
	// A reader that closes takes its PID away before its claim, so once more.
	pid = w.s.seg.OIEB.ReaderPID.Load()
	w.gone = &ReaderGoneError{Closed: pid == 0, PID: pid, Unread: w.ring.Unread()}
	return w.gone
}

// checkObjects looks after the objects. A reader that closes takes its PID away before they go, so
// if they are gone and so is the reader, that is the reason.
func (w *Writer) checkObjects() error {
	err := w.s.ch.Check()
	if err != nil {
		if gone := w.meetPeers(); gone != nil {
			return gone
		}
	}
	return err
}

// ReaderConnected tells whether a live reader is there now.
func (w *Writer) ReaderConnected() bool {
	return w.s.present(driver.Reader)
}
