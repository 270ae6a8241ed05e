package zerobuffer

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
	"github.com/zerobuffer-go/zerobuffer/core/internal/spin"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Reader creates a buffer, owns it and reads its frames. The methods that read are for one
// goroutine at a time, a second one gets [ErrConcurrentUse]; Close, the counters, Stats and the
// methods about metadata and the writer may be called from any goroutine at any time.
type Reader struct {
	s    *session
	opts ReaderOptions
	ring *ring.Consumer

	credit   uint32        // tokens that are there for frames which are not read yet
	looked   uint64        // bytes that had been read when new ones were looked for last
	answered uint64        // where the Writer of this process had got to when a frame was found last
	patience spin.Patience // before it looks
	calm     int           // frames that were read since this side has blocked
	debts    *keeper       // gives back what this side owes for too long
	writer   writerView    // what is known about the writer
	stuck    stuck         // a writer that may wait for lost space

	passed  ring.Tally
	waits   atomic.Uint64
	healed  atomic.Uint64
	buried  atomic.Uint64 // PID of the last writer that was found dead
	cleanup runtime.Cleanup
}

// NewReader creates the buffer name and its objects, and returns the Reader that owns them. What a
// dead reader left under this name is removed first; if a live one has it, the error matches
// [ErrReaderConnected] and nothing was changed. opts may be nil.
func NewReader(b driver.Backend, name string, opts *ReaderOptions) (*Reader, error) {
	r, err := newReader(b, name, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("create buffer %q: %w", shorten(name), err)
	}
	return r, nil
}

func newReader(b driver.Backend, name string, opts ReaderOptions) (*Reader, error) {
	if err := driver.CheckName(name); err != nil {
		return nil, err
	}
	geometry, err := opts.geometry()
	if err != nil {
		return nil, err
	}
	ch, err := b.Create(name, driver.Config{
		Size: geometry.SegmentSize(),
		Format: func(mem []byte, pid uint64) error {
			_, err := layout.Format(mem, geometry, pid)
			return err
		},
		Mode: opts.Mode, Group: opts.Group, Logger: opts.Logger,
	})
	if err != nil {
		return nil, err
	}
	seg, err := ownSegment(ch)
	if err != nil {
		return nil, errors.Join(err, ch.Remove(), ch.Close())
	}
	s := newSession(name, driver.Reader, ch, opts.Wait, opts.Logger)
	s.seg = seg
	r := &Reader{s: s, opts: opts, ring: ring.NewConsumer(seg, ch.SpaceReady())}
	r.debts = newKeeper(s, r.ring)
	s.beforeUnmap = r.debts.stop
	r.ring.Hurry(ring.EachFrame)
	r.cleanup = runtime.AddCleanup(r, (*session).drop, s)
	s.tune(opts.Memory)
	s.log.Info("buffer created", "backend", b.Name(),
		"payload_size", geometry.PayloadSize, "metadata_size", geometry.MetadataSize)
	return r, nil
}

// ownSegment is the segment that was just made. Others can reach it already.
func ownSegment(ch driver.Channel) (seg layout.Segment, err error) {
	defer unguard(guard(), ch, &err)
	return layout.Attach(ch.Memory())
}

// shorten cuts a name that is too long to be shown in an error.
func shorten(name string) string {
	if len(name) > driver.MaxName {
		return name[:40] + "..."
	}
	return name
}

// Close ends the buffer: a call in progress returns [ErrClosed], the writer learns that the reader
// has gone, and all objects are removed. Frames that are held stay readable until they are
// released. It may be called from any goroutine; the second call does nothing.
func (r *Reader) Close() error {
	s := r.s
	if !s.seize() {
		return nil
	}
	r.cleanup.Stop()
	r.ring.Hurry(ring.EachFrame) // also if hurry meets memory that is gone before it comes to that
	err := s.guarded(func() error {
		r.hurry() // no read comes after this that could change it
		return s.resign(true)
	})
	err = errors.Join(err, s.detach())
	if r.debts.giveBack() == 0 {
		err = errors.Join(err, s.unmap())
	} else {
		// A release that was being made just now may have missed that it is the last one.
		time.AfterFunc(secondRelease, r.unmapUnheld)
	}
	s.log.Info("buffer closed", "frames_read", r.FramesRead(), "bytes_read", r.BytesRead())
	return s.errorf("close buffer", err)
}

// release gives a frame back, and the memory when it was the last one of a closed Reader.
func (r *Reader) release(ticket uint64) {
	switch r.ring.Release(ticket) {
	case ring.Owed:
		r.debts.note()
	case ring.Due:
		r.unmapUnheld()
	}
}

// unmapUnheld gives back what is owed, and lets the memory of a closed Reader go if nothing is
// held.
func (r *Reader) unmapUnheld() {
	if held := r.debts.giveBack(); held == 0 && r.s.detached.Load() {
		if err := r.s.unmap(); err != nil {
			r.s.log.Error("unmap after the last frame", "error", err)
		}
	}
}

// Name is the name of the buffer.
func (r *Reader) Name() string { return r.s.name }

// FramesRead is the number of frames that were read.
func (r *Reader) FramesRead() uint64 { return r.passed.Frames.Load() }

// BytesRead is the number of payload bytes that were read.
func (r *Reader) BytesRead() uint64 { return r.passed.Bytes.Load() }
