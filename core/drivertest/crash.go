//go:build zbsteps

package drivertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// CrashHarness is what [KillAtEveryPoint] needs of a backend.
type CrashHarness struct {
	// New returns the backend of the test process.
	New func() driver.Backend
	// Start starts a process that calls [Crash] with args.
	Start func(t *testing.T, args ...string) *testproc.Child
	// Left lists what there is of a buffer in the system.
	Left func(name string) []string
	// Vanishes tells that the objects of a buffer end with the last process that has them, so that
	// there is nothing to reap.
	Vanishes bool
}

// crashPatience bounds what a test waits for; a machine may be busy.
const crashPatience = 60 * time.Second

// KillAtEveryPoint starts processes that end themselves at the first crash point, the second one
// and so on, until one passes them all, in each of their parts. After each kill all frames whose
// write has returned must arrive once, in order and whole, a fresh partner must find its place, and
// nothing may be left.
func KillAtEveryPoint(t *testing.T, h CrashHarness) {
	for name, part := range map[string]func(*crash, string) bool{
		"writer":        func(c *crash, where string) bool { return c.writer(1024, true, where) },
		"writer-unread": func(c *crash, where string) bool { return c.writer(4096, false, where) },
		"successor": func(c *crash, where string) bool {
			return c.writer(1024, true, "write-pos:4", where)
		},
		"reader": (*crash).reader,
		"reaper": (*crash).reaper,
	} {
		if name == "reaper" && h.Vanishes {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			places := map[string]int{}
			n := 0
			for more := true; more; {
				n++
				c := &crash{T: t, h: h, b: h.New(), name: uniqueName("crash-" + name)}
				more = part(c, strconv.Itoa(n)) && !t.Failed()
				places[c.place]++
			}
			delete(places, "")
			t.Logf("%d kills at %d kinds of places: %v", n-1, len(places), places)
			if len(places) < 5 {
				t.Error("that is hardly every place")
			}
		})
	}
}

// crash is one round: processes that end themselves, and what is seen of it from here.
type crash struct {
	*testing.T
	h     CrashHarness
	b     driver.Backend
	name  string
	place string // where the last process ended
}

func (c *crash) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("after a kill at %q: %v", c.place, err)
	}
}

// watchdog is a context that ends when something hangs.
func (c *crash) watchdog() context.Context {
	ctx, cancel := context.WithTimeout(background, crashPatience)
	c.Cleanup(cancel)
	return ctx
}

// told is what a child has said before its end.
type told struct {
	wrote                   int
	attached, set, finished bool
}

// run lets a child play its part, calls ready when it says so, and returns what else it said.
func (c *crash) run(
	role driver.Role, where string, base int, ready func(*testproc.Child),
) (said told) {
	c.Helper()
	child := c.h.Start(c.T, role.String(), c.name, where, strconv.Itoa(base))
	c.place = ""
	for {
		line, ok := child.Next()
		if !ok {
			break
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "at":
			c.place = rest
		case "ready":
			ready(child)
		case "attached":
			said.attached = true
		case "set":
			said.set = true
		case "wrote":
			said.wrote, _ = strconv.Atoi(rest)
		case "closed":
			said.finished = true
		default:
			c.Errorf("the child says %q", line)
		}
	}
	if _ = child.Wait(); child.ProcessState.Success() != said.finished {
		c.Errorf("the child has ended (%v) after %+v, at %q", child.ProcessState, said, c.place)
	}
	return said
}

// writer lets processes write, one after the other, of which the last one ends at a place that is
// counted. Then a writer of this process takes over. It returns false when there is no further
// place to be tried.
func (c *crash) writer(ring int64, meanwhile bool, where ...string) bool {
	r, err := zerobuffer.NewReader(c.b, c.name, &zerobuffer.ReaderOptions{
		PayloadSize: ring, MetadataSize: 64,
	})
	c.must(err)
	defer r.Close()
	ctx := c.watchdog()
	got := make(chan []int, 1)
	begin := func() { go func() { got <- c.readAll(ctx, r) }() }
	if meanwhile {
		begin()
	}
	var promised []int
	var said told
	for i, at := range where {
		said = c.run(driver.Writer, at, i*crashGroup, nil)
		promised = append(promised, said.wrote)
	}
	if !meanwhile {
		begin()
	}
	c.takeOver(ctx, r, said)
	c.compare(<-got, promised)
	c.must(r.Close())
	c.nothingLeft()
	return !said.finished && (len(where) == 1 || !said.attached)
}

const (
	// crashGroup is the distance between the numbers of two writers' frames.
	crashGroup = 50
	// lastGroup is added to the numbers of the writer that lives.
	lastGroup = 200
)

// takeOver attaches as the next writer, which must find the ring as good as new.
func (c *crash) takeOver(ctx context.Context, r *zerobuffer.Reader, said told) {
	c.Helper()
	w := c.connect(ctx)
	defer w.Close()
	m, err := r.Metadata()
	switch {
	case err == nil && !bytes.Equal(m, crashMetadata):
		c.Errorf("after a kill at %q the metadata is %q", c.place, m)
	case errors.Is(err, zerobuffer.ErrNoMetadata) && !said.set:
		c.must(w.SetMetadata(crashMetadata))
	default:
		c.must(err)
	}
	for i, n := range []int{40, w.MaxFrameSize(), 40} {
		c.must(w.WriteFrame(ctx, payload(uint64(lastGroup+1+i), n)))
	}
	c.must(w.WaitDrained(ctx))
	c.must(w.Close())
}

// connect attaches a writer. That the one before it is dead may be known a moment later.
func (c *crash) connect(ctx context.Context) *zerobuffer.Writer {
	c.Helper()
	for {
		w, err := zerobuffer.NewWriter(c.b, c.name, nil)
		if err == nil {
			return w
		}
		if !errors.Is(err, zerobuffer.ErrWriterConnected) || ctx.Err() != nil {
			c.must(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// readAll reads until the last frame of the writer that lives, and returns the numbers of the
// frames in the order in which they came. It holds the small frames while it reads the next.
func (c *crash) readAll(ctx context.Context, r *zerobuffer.Reader) (numbers []int) {
	var held zerobuffer.Frame
	defer func() { held.Release() }()
	for seq := uint64(1); ; {
		f, err := r.ReadFrame(ctx)
		switch {
		case errors.Is(err, zerobuffer.ErrWriterDead) || errors.Is(err, zerobuffer.ErrWriterClosed):
			if err = r.WaitWriter(ctx); err == nil {
				continue
			}
		case err == nil && f.Sequence() != seq:
			err = fmt.Errorf("frame %d came instead of %d", f.Sequence(), seq)
		}
		if err != nil {
			c.Errorf("read after %v, kill at %q: %v", numbers, c.place, err)
			return numbers
		}
		seq++
		number := numberOf(f.Bytes())
		numbers = append(numbers, number)
		held.Release()
		if held = f; number%crashGroup > 5 || number > lastGroup {
			held.Release() // the next one may need all space
		}
		if number == 0 || number == lastGroup+3 {
			return numbers
		}
	}
}

// numberOf finds the frame with these bytes, 0 if there is none.
func numberOf(b []byte) int {
	for n := 1; n < 256; n++ {
		if bytes.Equal(b, payload(uint64(n), len(b))) {
			return n
		}
	}
	return 0
}

// compare checks that the frames of each writer came in order from its first one on, at least those
// that were promised.
func (c *crash) compare(got, promised []int) {
	c.Helper()
	rest := got
	for i, least := range append(promised, 3) {
		base := i * crashGroup
		if i == len(promised) {
			base = lastGroup
		}
		n := 0
		for len(rest) > 0 && rest[0] == base+n+1 {
			n++
			rest = rest[1:]
		}
		if n < least {
			c.Errorf("after a kill at %q frames %v came, promised were %v", c.place, got, promised)
		}
	}
	if len(rest) > 0 {
		c.Errorf("after a kill at %q frames %v came, torn or twice or out of order", c.place, got)
	}
}

// reader lets a process be the reader of a writer of this process.
func (c *crash) reader(where string) bool {
	ctx := c.watchdog()
	wrote := make(chan error, 1)
	attached := false
	said := c.run(driver.Reader, where, 0, func(*testproc.Child) {
		attached = true
		go func() { wrote <- c.writeUntilGone(ctx) }()
	})
	if attached {
		c.must(<-wrote)
	}
	c.startAnew(ctx)
	return !said.finished
}

// writeUntilGone writes until the reader has gone, which is no error.
func (c *crash) writeUntilGone(ctx context.Context) error {
	w, err := zerobuffer.NewWriter(c.b, c.name, nil)
	for n := uint64(1); err == nil; n++ {
		err = w.WriteFrame(ctx, payload(n, 100))
	}
	if w != nil {
		defer w.Close()
	}
	if errors.Is(err, zerobuffer.ErrReaderDead) ||
		w == nil && errors.Is(err, zerobuffer.ErrBufferNotFound) {
		return nil
	}
	return fmt.Errorf("write to a reader that has gone: %w", err)
}

// reaper lets a process make the buffer where a killed one has left its own.
func (c *crash) reaper(where string) bool {
	c.run(driver.Reader, "created:1", 0, nil)
	if c.place != "created" {
		c.Fatalf("the first reader was killed at %q", c.place)
	}
	ready := false
	c.run(driver.Reader, where, 0, func(child *testproc.Child) {
		ready = true
		child.Kill()
	})
	c.startAnew(c.watchdog())
	return !ready
}

// startAnew makes the buffer anew, under the name that the dead process had, and uses it.
func (c *crash) startAnew(ctx context.Context) {
	c.Helper()
	r, err := zerobuffer.NewReader(c.b, c.name, &zerobuffer.ReaderOptions{PayloadSize: 1024})
	c.must(err)
	defer r.Close()
	w := c.connect(ctx)
	defer w.Close()
	for n := uint64(1); n <= 3; n++ {
		c.must(w.WriteFrame(ctx, payload(n, 100)))
		f, err := r.ReadFrame(ctx)
		c.must(err)
		if f.Sequence() != n || !bytes.Equal(f.Bytes(), payload(n, 100)) {
			c.Errorf("after a kill at %q frame %d is not what was written", c.place, n)
		}
		f.Release()
	}
	c.must(errors.Join(w.Close(), r.Close()))
	c.nothingLeft()
}

func (c *crash) nothingLeft() {
	c.Helper()
	if left := c.h.Left(c.name); len(left) > 0 {
		c.Errorf("after a kill at %q there is still %v", c.place, left)
	}
}
