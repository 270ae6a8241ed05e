package drivertest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Chaos runs a reader and a writer of ours in two processes while a third one, which has the
// segment mapped, writes random and chosen values into it. Both sides may fail with errors and then
// start again, and may see bytes of the third. They must not crash, hang beyond their time-outs, or
// grow.
// start starts the command of a child made by [ChaosCommand], with these arguments.
func Chaos(t *testing.T, d time.Duration, start func(args ...string) *testproc.Child) {
	t.Helper()
	seed := strconv.FormatUint(rand.Uint64()%1e6, 10)
	var all []*testproc.Child
	for _, role := range []string{"reader", "writer", "enemy"} {
		all = append(all, start(role, d.String(), seed).Ready())
	}
	for _, c := range all {
		c.Step()
	}
	for _, c := range all {
		t.Logf("seed %s: %s", seed, c.Line())
		c.End()
	}
}

// ChaosTime is how long [Chaos] runs: ZEROBUFFER_CHAOS, such as "10m", or a moment.
func ChaosTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("ZEROBUFFER_CHAOS")
	if text == "" {
		return 2500 * time.Millisecond
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Enemy is what a hostile peer has mapped: the segment, and words of the two semaphores.
type Enemy struct {
	Segment []byte
	Words   [2][]byte
	Unmap   func()
}

// ChaosCommand is the command of the children of [Chaos]. open returns the backend for the
// arguments behind the first three, and the name; mapped maps what an enemy of it has, as it is now.
func ChaosCommand(
	open func(args []string) (driver.Backend, string), mapped func(args []string) (*Enemy, error),
) testproc.Command {
	return func(args []string) error {
		d, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		seed, _ := strconv.ParseUint(args[2], 10, 64)
		rest := args[3:]
		testproc.Say("ready")
		if args[0] == "enemy" {
			return enemy(time.Now().Add(d), seed, func() (*Enemy, error) { return mapped(rest) })
		}
		b, name := open(rest)
		s := &chaosSide{
			b: b, name: name, end: time.Now().Add(d), start: time.Now(),
			rand: rand.New(rand.NewPCG(seed, uint64(len(args[0])))), errs: map[string]int{},
		}
		session := s.read
		if args[0] == "writer" {
			session = s.write
		}
		return s.run(session)
	}
}

const (
	chaosTimeout = 20 * time.Millisecond
	// chaosLate is how much longer than its time-out a call may take: two cores are shared with an
	// enemy that never sleeps.
	chaosLate = 3 * time.Second
	// chaosSession is how long one goes on with a buffer that the enemy has.
	chaosSession = 60 * time.Millisecond
	// mostGrown is by how much the memory of a process may grow after its first third.
	mostGrown = 24 << 20
)

// chaosSide is a reader or a writer of ours in the middle of it.
type chaosSide struct {
	b          driver.Backend
	name       string
	start, end time.Time
	rand       *rand.Rand
	sessions   int
	frames     int
	slowest    time.Duration
	slow       string // the call that was slowest
	errs       map[string]int
}

// run runs sessions until the time is over, and looks whether the process has grown.
func (s *chaosSide) run(session func()) error {
	warm := s.start.Add(s.end.Sub(s.start) / 3)
	var before, after usage
	for time.Now().Before(s.end) {
		if before == (usage{}) && time.Now().After(warm) {
			before = used()
		}
		s.sessions++
		session()
	}
	after = used()
	switch {
	case after.resident > before.resident+mostGrown:
		return fmt.Errorf("the process grew from %d to %d bytes", before.resident, after.resident)
	case after.files > before.files+2:
		return fmt.Errorf("%d descriptors became %d", before.files, after.files)
	case after.maps > before.maps+16:
		return fmt.Errorf("%d mappings became %d", before.maps, after.maps)
	}
	var kinds []string
	for text, n := range s.errs {
		kinds = append(kinds, fmt.Sprintf("%s: %d", text, n))
	}
	testproc.Say("%d sessions, %d frames, slowest call %v (%s), from %+v to %+v; %s", s.sessions,
		s.frames, s.slowest, s.slow, before, after, strings.Join(kinds, ", "))
	return nil
}

// usage is what a process uses, where the system shows it.
type usage struct {
	resident uint64
	files    int
	maps     int
}

func used() usage {
	debug.FreeOSMemory()
	var u usage
	var size, pages uint64
	text, _ := os.ReadFile("/proc/self/statm")
	_, _ = fmt.Sscan(string(text), &size, &pages)
	u.resident = pages * uint64(os.Getpagesize())
	files, _ := os.ReadDir("/proc/self/fd")
	text, _ = os.ReadFile("/proc/self/maps")
	u.files, u.maps = len(files), strings.Count(string(text), "\n")
	return u
}

// call makes one call, which has to end in time, and notes how.
func (s *chaosSide) call(what string, f func(ctx context.Context) error) error {
	hang := time.AfterFunc(chaosTimeout+chaosLate, func() {
		panic("a call takes longer than its time-out and all that may delay it")
	})
	defer hang.Stop()
	ctx, cancel := context.WithTimeout(background, chaosTimeout)
	defer cancel()
	start := time.Now()
	err := f(ctx)
	if took := time.Since(start); took > s.slowest {
		s.slowest, s.slow = took, what
	}
	if err != nil && !errors.Is(err, zerobuffer.ErrTimeout) {
		s.errs[kindOf(err)]++
		return err
	}
	return nil
}

// kindOf names an error without the numbers in it.
func kindOf(err error) string {
	for _, kind := range []error{
		zerobuffer.ErrCorrupt, zerobuffer.ErrSequence, zerobuffer.ErrSegmentRemoved,
		zerobuffer.ErrWriterClosed, zerobuffer.ErrWriterDead, zerobuffer.ErrReaderDead,
		zerobuffer.ErrWriterReplaced, zerobuffer.ErrWriterConnected, zerobuffer.ErrReaderConnected,
		zerobuffer.ErrNoMetadata, zerobuffer.ErrMetadataSet, zerobuffer.ErrIncompatible,
		zerobuffer.ErrBufferNotFound, zerobuffer.ErrClosed, zerobuffer.ErrNotReserved,
	} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return err.Error()
}

// over tells whether the session that began then is.
func (s *chaosSide) over(began time.Time) bool {
	return time.Since(began) > chaosSession || time.Now().After(s.end)
}

// read is a session of a reader. A few errors do not end it: what comes next must be harmless, too.
func (s *chaosSide) read() {
	r, err := zerobuffer.NewReader(s.b, s.name, &zerobuffer.ReaderOptions{
		PayloadSize: 1 << 14, MetadataSize: 64, ReadTimeout: chaosTimeout,
		Wait: zerobuffer.WaitMode(s.rand.IntN(3)),
	})
	if err != nil {
		s.errs[kindOf(err)]++ // the enemy was faster
		time.Sleep(time.Millisecond)
		return
	}
	var held []zerobuffer.Frame
	frames := make([]zerobuffer.Frame, 8)
	for began, wrong := time.Now(), 0; wrong < 20 && !s.over(began); {
		op := s.rand.IntN(8)
		err := s.call("read "+strconv.Itoa(op), func(ctx context.Context) error {
			return s.readSomething(ctx, op, r, frames, &held)
		})
		if err != nil {
			wrong++
		}
		for len(held) > s.rand.IntN(20) {
			i := s.rand.IntN(len(held))
			held[i].Release()
			held = append(held[:i], held[i+1:]...)
		}
	}
	for _, f := range held {
		f.Release()
	}
	s.closed(r.Close)
}

// closed closes a side, which may not hang either.
func (s *chaosSide) closed(closing func() error) {
	_ = s.call("Close", func(context.Context) error { return closing() })
}

func (s *chaosSide) readSomething(
	ctx context.Context, op int, r *zerobuffer.Reader, frames []zerobuffer.Frame,
	held *[]zerobuffer.Frame,
) error {
	var f zerobuffer.Frame
	var err error
	n := 1
	switch op {
	case 0:
		n, err = r.ReadBatch(ctx, frames)
	case 1:
		frames[0], err = r.Latest(ctx)
	case 2:
		_, err = r.Metadata()
		n = 0
	case 3:
		r.Stats()
		r.WriterConnected()
		n = 0
	case 4:
		var ok bool
		if frames[0], ok, err = r.TryReadFrame(); !ok {
			n = 0
		}
	case 5:
		frames[0], err = r.ReadFrame(ctx)
	default:
		frames[0], err = r.ReadFrame(background)
	}
	if err != nil {
		return err
	}
	for _, f = range frames[:n] {
		s.frames++
		touch(f.Bytes())
		*held = append(*held, f)
	}
	return nil
}

// touch reads and writes each byte, which is in the segment or this is the end of the process.
func touch(b []byte) {
	for i := range b {
		b[i]++
	}
}

// write is a session of a writer.
func (s *chaosSide) write() {
	var w *zerobuffer.Writer
	err := s.call("OpenWriter", func(ctx context.Context) (err error) {
		w, err = zerobuffer.OpenWriter(ctx, s.b, s.name, &zerobuffer.WriterOptions{
			WriteTimeout: chaosTimeout, Wait: zerobuffer.WaitMode(s.rand.IntN(3)),
			Lap: int64(s.rand.IntN(3) * 5000),
		})
		return err
	})
	if w == nil {
		if err != nil {
			time.Sleep(time.Millisecond)
		}
		return
	}
	for began, wrong := time.Now(), 0; wrong < 20 && !s.over(began); {
		op := s.rand.IntN(8)
		err := s.call("write "+strconv.Itoa(op), func(ctx context.Context) error {
			return s.writeSomething(ctx, op, w)
		})
		if err != nil {
			wrong++
		}
	}
	s.closed(w.Close)
}

func (s *chaosSide) writeSomething(
	ctx context.Context, op int, w *zerobuffer.Writer,
) error {
	n := 1 + s.rand.IntN(min(w.MaxFrameSize(), 3000))
	s.frames++
	switch op {
	case 0:
		_, err := w.WriteBatch(ctx, [][]byte{chaosBytes[:n], chaosBytes[:1], chaosBytes[:n/2+1]})
		return err
	case 1:
		b, err := w.Reserve(ctx, n)
		if err != nil {
			return err
		}
		touch(b)
		return w.Commit(1 + s.rand.IntN(n))
	case 2:
		return w.SetMetadata(chaosBytes[:20])
	case 3:
		w.Stats()
		w.ReaderConnected()
		return w.WaitDrained(ctx)
	case 4:
		_, err := w.TryWriteFrame(chaosBytes[:n])
		return err
	case 5:
		return w.WriteFrame(ctx, chaosBytes[:n])
	}
	return w.WriteFrame(background, chaosBytes[:n])
}

// chaosBytes is what frames are made of: small numbers, which look like headers.
var chaosBytes = func() []byte {
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte(i % 3 * (i % 5))
	}
	return b
}()

// enemy changes words until the end, of whatever buffer there is.
func enemy(end time.Time, seed uint64, mapped func() (*Enemy, error)) error {
	r := rand.New(rand.NewPCG(seed, 3))
	changes, buffers := 0, 0
	for time.Now().Before(end) {
		e, err := mapped()
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		buffers++
		changes += e.rage(r, time.Now().Add(time.Duration(r.IntN(60))*time.Millisecond))
		e.Unmap()
	}
	testproc.Say("%d words of %d buffers were changed", changes, buffers)
	return nil
}

// rage changes words of one buffer. How fast and which is chosen anew for each, because with all of
// them at once a session would end before it comes to anything.
func (e *Enemy) rage(r *rand.Rand, end time.Time) (changes int) {
	mood := r.IntN(8)
	burst, pause := 1+r.IntN(1000), time.Duration(r.IntN(2000))*time.Microsecond
	for time.Now().Before(end) {
		for range burst {
			e.change(r, mood)
			changes++
		}
		if pause > 200*time.Microsecond { // else at full speed
			time.Sleep(pause)
		}
	}
	return changes
}

// change changes one word.
func (e *Enemy) change(r *rand.Rand, mood int) {
	ring := max(len(e.Segment)-layout.OIEBSize-64, 64)
	at := 8 * r.IntN(len(e.Segment)/8)
	word := e.Segment
	switch mood {
	case 0: // any word
	case 1: // any field of the OIEB
		at = 8 * r.IntN(layout.OIEBSize/8)
	case 2: // positions and free bytes
		at = 0x28 + 8*r.IntN(3)
	case 3: // headers at the positions, and behind them
		pos := binary.LittleEndian.Uint64(e.Segment[0x30+8*r.IntN(2):])
		at = len(e.Segment) - ring + int(pos%uint64(ring))&^7 - 16*r.IntN(2)
		at = min(max(at, 0), len(e.Segment)-8)
	case 4, 5: // a semaphore
		at, word = 0, e.Words[r.IntN(2)]
	case 6: // PIDs
		at = 0x50 + 8*r.IntN(2)
	default: // metadata
		at = 0x10 + 8*r.IntN(2)
	}
	old := binary.LittleEndian.Uint64(word[at:])
	binary.LittleEndian.PutUint64(word[at:], chaosValue(r, old, uint64(ring)))
}

// chaosValue is a random value, or one that matters.
func chaosValue(r *rand.Rand, old, ring uint64) uint64 {
	special := []uint64{
		0, 1, 16, ring, ring - 1, ring + 1, ring - 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
		1 << 60, 1<<63 - 1, 1 << 63, 1<<64 - 1, 1<<64 - 16, uint64(os.Getpid()), 1, 1 << 21,
	}
	switch n := r.IntN(10); {
	case n < 4:
		return special[r.IntN(len(special))]
	case n < 6:
		return old + 1
	case n < 8:
		return old - 1
	case n < 9:
		return r.Uint64N(ring + 1)
	}
	return r.Uint64()
}
