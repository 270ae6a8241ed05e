//go:build linux

package stress

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// The words that the processes of a pair share with the test. A session is what one writer writes
// to one buffer; they are counted from 1 on.
const (
	soakSession    = iota // number of the last session
	soakRead              // frames read
	soakBytes             // bytes of them
	soakGoroutines        // of the process that survives
	soakPromised          // from here on: frames of a session whose write has returned
	soakSessions   = 1024 // that are remembered: those that a reader has not gone past are fewer
	soakWords      = soakPromised + soakSessions
)

const (
	soakRing   = 1 << 20
	soakLarge  = 8192
	soakHeader = 16
	soakBatch  = 16
)

// soakTable is what frames are filled with, from different places on.
var soakTable = func() []byte {
	b := make([]byte, 2*soakLarge)
	r := rand.NewChaCha8([32]byte{7})
	_, _ = r.Read(b)
	return b
}()

// soakBody is the content of a frame behind its header, which holds both numbers.
func soakBody(session, frame uint64) []byte {
	x := (session<<40 + frame) * 0x9e3779b97f4a7c15
	start, n := x>>20%soakLarge, x>>40%(soakLarge>>(x>>61))
	return soakTable[start : start+n]
}

func soakHead(b []byte, session, frame uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b[:0], session)
	return binary.LittleEndian.AppendUint64(b, frame)
}

// soaker is one process of a pair.
type soaker struct {
	*area
	place  place
	name   string
	finish *atomic.Bool
}

// soak PLACE NAME ROLE: reads or writes at full speed until it is told to end.
func soakSide(args []string) error {
	s := soaker{place: placeOf(args), name: args[2], finish: orders()}
	var err error
	if s.area, err = inherited(); err != nil {
		return err
	}
	if args[3] == "reader" {
		return s.read()
	}
	for !s.finish.Load() {
		if err := s.write(); err != nil {
			return err
		}
		s.words[soakGoroutines].Store(uint64(runtime.NumGoroutine()))
	}
	return nil
}

// write writes to one buffer until its reader has gone.
func (s *soaker) write() error {
	ctx, cancel := context.WithTimeout(background, watchdog)
	defer cancel()
	w, err := zerobuffer.OpenWriter(ctx, s.place.backend(), s.name, nil)
	if err != nil {
		return err
	}
	session := s.words[soakSession].Add(1)
	promised := &s.words[soakPromised+session%soakSessions]
	promised.Store(0)
	write := s.single
	if session%2 == 0 {
		write = s.batch
	}
	for n := uint64(0); !s.finish.Load() && err == nil; {
		if err = write(w, session, &n); err == nil {
			promised.Store(n)
		}
	}
	if errors.Is(err, zerobuffer.ErrReaderDead) {
		err = nil
	}
	return errors.Join(err, w.Close())
}

func (s *soaker) single(w *zerobuffer.Writer, session uint64, n *uint64) error {
	var head [soakHeader]byte
	err := w.WriteFrame(background, soakHead(head[:], session, *n), soakBody(session, *n))
	*n++
	return err
}

func (s *soaker) batch(w *zerobuffer.Writer, session uint64, n *uint64) error {
	var frames [soakBatch][]byte
	for i := range frames {
		frames[i] = append(soakHead(nil, session, *n), soakBody(session, *n)...)
		*n++
	}
	_, err := w.WriteBatch(background, frames[:])
	return err
}

// ring is the size of the ring: the small one is often full, and in the other one frames are
// written ahead.
func (s *soaker) ring() int64 { return soakRing << (4 * (s.place.kind % 2)) }

// read reads until it is told to end and the last writer has closed.
func (s *soaker) read() error {
	r, err := zerobuffer.NewReader(s.place.backend(), s.name, &zerobuffer.ReaderOptions{
		PayloadSize: s.ring(), ReadTimeout: 20 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	var session, next uint64 // of the frame that comes next
	for err == nil {
		last := s.finish.Load()
		var f zerobuffer.Frame
		f, err = r.ReadFrame(background)
		gone := errors.Is(err, zerobuffer.ErrWriterClosed) || errors.Is(err, zerobuffer.ErrWriterDead)
		idle := errors.Is(err, zerobuffer.ErrTimeout)
		switch {
		case last && (gone || idle && session == 0):
			return errors.Join(s.complete(session, next), r.Close())
		case gone:
			time.Sleep(time.Millisecond)
			s.words[soakGoroutines].Store(uint64(runtime.NumGoroutine()))
			err = nil
		case idle:
			err = nil
		case err == nil:
			err = s.check(f, &session, &next)
			s.words[soakRead].Add(1)
			s.words[soakBytes].Add(uint64(f.Len()))
			f.Release()
		}
	}
	return errors.Join(err, r.Close())
}

// check compares a frame with the one that must come: the next one of the session, or the first one
// of a later session when all of the one before was read.
func (s *soaker) check(f zerobuffer.Frame, session, next *uint64) error {
	b := f.Bytes()
	if len(b) < soakHeader {
		return fmt.Errorf("a frame has %d bytes", len(b))
	}
	of, n := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if of > *session {
		if err := s.complete(*session, *next); err != nil {
			return err
		}
		for between := *session + 1; *session != 0 && between < of; between++ {
			if err := s.complete(between, 0); err != nil {
				return err
			}
		}
		*session, *next = of, 0
	}
	if of != *session || n != *next {
		return fmt.Errorf("frame %d of session %d came, want %d of %d", n, of, *next, *session)
	}
	if !bytes.Equal(b[soakHeader:], soakBody(of, n)) {
		return fmt.Errorf("frame %d of session %d has other bytes", n, of)
	}
	*next++
	return nil
}

// complete checks that of a session that has ended as many frames were read as were promised, or
// those that a kill has cut as well.
func (s *soaker) complete(session, frames uint64) error {
	if session == 0 {
		return nil
	}
	promised := s.words[soakPromised+session%soakSessions].Load()
	if frames < promised || frames > promised+soakBatch {
		return fmt.Errorf("%d frames of session %d were read, %d were promised",
			frames, session, promised)
	}
	return nil
}
