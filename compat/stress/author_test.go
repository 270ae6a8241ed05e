//go:build linux

package stress

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// author is the writer of a schedule: it does whatever a writer can do, at random, and notes what
// it was promised.
type author struct {
	journal
	*rand.Rand
	place  place
	name   string
	seed   uint64
	frames uint64 // how many it writes
	next   uint64 // number of the next one
	// patience is the time-out of the writer, 0 for none.
	patience time.Duration
}

// writer PLACE NAME SEED FRAMES PATIENCE: writes so many frames, and connects again when the reader
// has been killed. The last frame is as large as the ring lets it be, so all space must come back.
func scheduledWriter(args []string) error {
	orders()
	shared, err := inherited()
	if err != nil {
		return err
	}
	a := author{journal: shared.words, place: placeOf(args), name: args[2]}
	a.seed, _ = strconv.ParseUint(args[3], 10, 64)
	a.frames, _ = strconv.ParseUint(args[4], 10, 64)
	a.patience, _ = time.ParseDuration(args[5])
	a.Rand = rand.New(rand.NewPCG(a.seed, 1))
	for a.next < a.frames {
		if err := a.session(); err != nil {
			return err
		}
	}
	return nil
}

// session writes to one buffer as long as it lasts.
func (a *author) session() error {
	ctx, cancel := context.WithTimeout(background, watchdog)
	defer cancel()
	opts := zerobuffer.WriterOptions{WriteTimeout: a.patience}
	if a.IntN(4) == 0 {
		opts.Lap = 1 + a.Int64N(4096) // it wraps early
	}
	w, err := zerobuffer.OpenWriter(ctx, a.place.backend(), a.name, &opts)
	if err != nil {
		return err
	}
	a.add(attached, 0, uint64(w.MaxFrameSize())+16, 0)
	for a.next < a.frames && err == nil {
		if err = a.act(w); errors.Is(err, zerobuffer.ErrTimeout) {
			err = nil
		}
	}
	if errors.Is(err, zerobuffer.ErrReaderDead) {
		err = nil
	}
	a.add(detached, 0, 0, 0)
	return errors.Join(err, w.Close())
}

// act does one thing.
func (a *author) act(w *zerobuffer.Writer) error {
	if a.next == a.frames-1 {
		ctx, cancel := context.WithTimeout(background, watchdog)
		defer cancel()
		b := a.begin(w.MaxFrameSize())
		err := w.WriteFrame(ctx, b)
		if err != nil && a.patience > 0 && errors.Is(err, zerobuffer.ErrTimeout) {
			a.next--
			a.add(failed, a.next, 0, 0)
			return nil // it must come in the end
		}
		return a.ended(err)
	}
	switch a.IntN(10) {
	case 0:
		ok, err := w.TryWriteFrame(a.begin(a.size(w)))
		if !ok && err == nil {
			err = zerobuffer.ErrTimeout
		}
		return a.ended(err)
	case 1:
		ctx, cancel := context.WithTimeout(background, time.Duration(a.IntN(3000))*time.Microsecond)
		defer cancel()
		return a.ended(w.WriteFrame(ctx, a.begin(a.size(w))))
	case 2, 3:
		return a.batch(w)
	case 4, 5:
		return a.reserve(w)
	case 6:
		time.Sleep(time.Duration(a.IntN(300)) * time.Microsecond)
		return nil
	}
	b := a.begin(a.size(w))
	cut := a.IntN(len(b) + 1)
	return a.ended(w.WriteFrame(background, b[:cut], b[cut:]))
}

// size is that of a frame: mostly small, sometimes as large as it can be.
func (a *author) size(w *zerobuffer.Writer) int {
	most := w.MaxFrameSize()
	switch a.IntN(8) {
	case 0:
		return most - a.IntN(min(most, 20))
	case 1, 2:
		return 1 + a.IntN(most)
	}
	return 1 + a.IntN(min(most, 40))
}

// begin notes the next frame and returns its content.
func (a *author) begin(n int) []byte {
	b := make([]byte, n)
	fill(b, a.seed, a.next)
	a.add(begins, a.next, uint64(n), checksum(b))
	a.next++
	return b
}

// ended notes how the call ended that wrote all frames that have begun and not ended.
func (a *author) ended(err error) error {
	if err != nil {
		a.add(failed, a.next-1, 0, 0)
		return err
	}
	a.add(wrote, a.next, 0, 0)
	return nil
}

// batch writes several frames by one call.
func (a *author) batch(w *zerobuffer.Writer) error {
	first := a.next
	var frames [][]byte
	for range min(1+a.IntN(6), int(a.frames-1-a.next)) {
		frames = append(frames, a.begin(a.size(w)))
	}
	n, err := w.WriteBatch(background, frames)
	if err != nil {
		a.add(failed, first+uint64(n), 0, 0)
		return err
	}
	return a.ended(nil)
}

// reserve fills a frame in place, and commits as much of it, or nothing.
func (a *author) reserve(w *zerobuffer.Writer) error {
	buf, err := w.Reserve(background, a.size(w))
	if err != nil {
		return err
	}
	if a.IntN(3) == 0 {
		fill(buf, a.seed, 1<<32)
		return w.Abort()
	}
	n := 1 + a.IntN(len(buf))
	fill(buf[:n], a.seed, a.next)
	a.add(begins, a.next, uint64(n), checksum(buf[:n]))
	a.next++
	return a.ended(w.Commit(n))
}

// fill puts the content of a frame into b.
func fill(b []byte, seed, frame uint64) {
	x := seed ^ (frame+1)*0x9e3779b97f4a7c15
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
}
