package zerobuffer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
)

// Writer connects to a buffer that a reader has created and writes its frames. The methods that
// write are for one goroutine at a time, a second one gets [ErrConcurrentUse]; Close, the counters,
// Stats and ReaderConnected may be called from any goroutine at any time.
type Writer struct {
	s    *session
	opts WriterOptions
	ring *ring.Producer // exchanged under s.mapped
	next following

	naps     naps
	reserved bool  // between Reserve and Commit or Abort
	gone     error // the reader was found dead, or its buffer was given up

	written ring.Tally
	waits   atomic.Uint64
	doubt   atomic.Uint64
	cleanup runtime.Cleanup
}

// NewWriter connects to the buffer name as its writer. It does not wait for a reader: without one
// the error matches [ErrBufferNotFound]. It matches [ErrWriterConnected] if there is a live writer;
// if that is one of another language a reader of ours gets half a second to see whether it lives.
// After a killed writer it goes on where that one stopped. opts may be nil.
func NewWriter(b driver.Backend, name string, opts *WriterOptions) (*Writer, error) {
	connect := connecting(b, name, opts)
	for wait := (burial{}); ; time.Sleep(connectEvery) {
		if w, err := connect(); !wait.mayCome(err) {
			return w, err
		}
	}
}

// connecting returns a function that tries to connect once. Its tries share what may be logged.
func connecting(b driver.Backend, name string, opts *WriterOptions) func() (*Writer, error) {
	o, refused := opts.withDefaults()
	if refused == nil {
		refused = driver.CheckName(name)
	}
	return func() (w *Writer, err error) {
		if err = refused; err == nil {
			w, err = newWriter(b, name, o)
		}
		if err != nil {
			return nil, fmt.Errorf("connect to buffer %q: %w", shorten(name), err)
		}
		return w, nil
	}
}

// OpenWriter is [NewWriter] that waits until the reader has created the buffer. It ends with the
// last error of NewWriter and the error of ctx when ctx ends.
func OpenWriter(
	ctx context.Context, b driver.Backend, name string, opts *WriterOptions,
) (*Writer, error) {
	var last error
	var wait burial
	connect := connecting(b, name, opts)
	for timer := time.NewTimer(connectEvery); ; timer.Reset(connectEvery) {
		if err := asTimeout(ctx.Err(), errTimeout); err != nil {
			if last != nil {
				return nil, fmt.Errorf("%w (%w)", last, err)
			}
			return nil, fmt.Errorf("wait for buffer %q: %w", shorten(name), err)
		}
		w, err := connect()
		if !errors.Is(err, ErrBufferNotFound) && !wait.mayCome(err) {
			return w, err
		}
		last = err
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// Close disconnects: a call in progress returns [ErrClosed], and the reader learns that no more
// frames come after those that are in the ring. It does not wait for them to be read; see
// [Writer.WaitDrained]. It may be called from any goroutine; the second call does nothing. A slice
// from [Writer.Reserve] stays mapped until Commit or Abort, which return ErrClosed then.
func (w *Writer) Close() error {
	s := w.s
	if !s.seize() {
		return nil
	}
	w.cleanup.Stop()
	var err error
	if !s.between() {
		err = s.guarded(func() error {
			return errors.Join(w.ring.Flush(), w.ring.Settle(), s.resign(w.mayWake()))
		})
		err = errors.Join(err, s.detach())
		if !w.reserved {
			err = errors.Join(err, s.unmap())
		}
	}
	s.log.Info("writer closed", "frames_written", w.FramesWritten(), "bytes_written", w.BytesWritten())
	return s.errorf("close writer of", err)
}

// mayWake tells whether a surplus token may be posted at Close. A reader of ours counts by
// positions, so it always may. A foreign one would take old bytes for a frame unless it is blocked
// with nothing unread; that is waited for a moment (contract 5, close).
func (w *Writer) mayWake() bool {
	s := w.s
	switch pid := s.seg.OIEB.WriterPID.Load(); {
	case s.seg.OIEB.ReaderPID.Load() == 0:
		return false
	case pid != s.pid && pid != 0:
		return false // another writer has taken over
	case s.ch.Liveness().Ours(driver.Reader):
		return true
	}
	for end := time.Now().Add(closeLook); !w.ring.QuietReader(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// Name is the name of the buffer.
func (w *Writer) Name() string { return w.s.name }

// FramesWritten is the number of frames that were written.
func (w *Writer) FramesWritten() uint64 { return w.written.Frames.Load() }

// BytesWritten is the number of payload bytes that were written.
func (w *Writer) BytesWritten() uint64 { return w.written.Bytes.Load() }

// MaxFrameSize is the largest payload of a frame in bytes. With [WriterOptions.Reconnect] it may be
// another one in the next buffer.
func (w *Writer) MaxFrameSize() int {
	w.s.mapped.RLock()
	defer w.s.mapped.RUnlock()
	return int(w.ring.MaxPayload())
}
