//go:build linux

package stress

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// audience is the reader of a schedule: it reads in every way there is, holds frames and releases
// them in any order, and notes what it got.
type audience struct {
	journal
	*rand.Rand
	r      *zerobuffer.Reader
	finish *atomic.Bool
	held   []heldFrame
	old    [slots]zerobuffer.Frame // that were released
	most   int                     // how many frames it holds
	latest bool                    // whether it may skip frames
}

// slots is how many frames later the place where the library keeps a frame is used again.
const slots = 64

// heldFrame is a frame with what it held when it was read.
type heldFrame struct {
	zerobuffer.Frame
	sum uint64
}

// reader PLACE NAME SEED RING: reads until it is told that no more writers come, and there is
// nothing more to read.
func scheduledReader(args []string) error {
	a := audience{finish: orders()}
	shared, err := inherited()
	if err != nil {
		return err
	}
	a.journal = shared.words
	seed, _ := strconv.ParseUint(args[3], 10, 64)
	ring, _ := strconv.ParseInt(args[4], 10, 64)
	a.Rand = rand.New(rand.NewPCG(seed, 2))
	a.most, a.latest = a.IntN(5), a.IntN(3) == 0
	a.r, err = zerobuffer.NewReader(placeOf(args).backend(), args[2], &zerobuffer.ReaderOptions{
		PayloadSize: ring, MetadataSize: -1, ReadTimeout: time.Millisecond,
	})
	if err != nil {
		return err
	}
	a.add(created, 0, uint64(ring), 0)
	return errors.Join(a.run(), a.r.Close())
}

func (a *audience) run() error {
	for {
		last := a.finish.Load() // before the look that finds nothing
		err := a.act()
		gone := errors.Is(err, zerobuffer.ErrWriterClosed) || errors.Is(err, zerobuffer.ErrWriterDead)
		idle := errors.Is(err, zerobuffer.ErrTimeout)
		switch {
		case last && (gone || idle && a.r.FramesRead() == 0):
			return a.leave()
		case idle, gone:
			err = a.release() // or a writer that waits for space would wait for ever
		}
		if err != nil {
			return err
		}
	}
}

// leave gives everything back, and all space of the ring must be free then.
func (a *audience) leave() error {
	for len(a.held) > 0 {
		if err := a.release(); err != nil {
			return err
		}
	}
	a.add(drained, 0, 0, 0)
	for end := time.Now().Add(watchdog); ; time.Sleep(time.Millisecond) {
		st := a.r.Stats()
		if st.PayloadFree == st.PayloadSize {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the ring is drained, but %d of %d bytes are free",
				st.PayloadFree, st.PayloadSize)
		}
	}
}

// act reads in one of the ways that there are.
func (a *audience) act() error {
	how := a.IntN(10)
	switch {
	case how == 0 && len(a.held) > 0:
		return a.release()
	case how == 1:
		time.Sleep(time.Duration(a.IntN(300)) * time.Microsecond)
		return nil
	case how == 2:
		f, ok, err := a.r.TryReadFrame()
		if ok {
			return a.got(read, f)
		}
		return err
	case how == 3 || how == 4:
		frames := make([]zerobuffer.Frame, 1+a.IntN(5))
		n, err := a.r.ReadBatch(background, frames)
		for _, f := range frames[:n] {
			err = errors.Join(err, a.got(read, f))
		}
		return err
	case how == 5 && a.latest:
		f, err := a.r.Latest(background)
		if err != nil {
			return err
		}
		return a.got(newest, f)
	}
	f, err := a.r.ReadFrame(background)
	if err != nil {
		return err
	}
	return a.got(read, f)
}

// got notes a frame, and holds it or gives it back.
func (a *audience) got(what event, f zerobuffer.Frame) error {
	sum := checksum(f.Bytes())
	a.add(what, f.Sequence(), uint64(f.Len()), sum)
	a.held = append(a.held, heldFrame{f, sum})
	a.old[f.Sequence()%slots].Release() // again, which must not release this one
	if len(a.held) > a.most {
		return a.release()
	}
	return nil
}

// release gives one of the held frames back, any of them, if it is what it was.
func (a *audience) release() error {
	if len(a.held) == 0 {
		return nil
	}
	i := a.IntN(len(a.held))
	h := a.held[i]
	a.held = slices.Delete(a.held, i, i+1)
	if checksum(h.Bytes()) != h.sum {
		return fmt.Errorf("frame %d has changed while it was held", h.Sequence())
	}
	h.Release()
	a.old[h.Sequence()%slots] = h.Frame
	return nil
}
