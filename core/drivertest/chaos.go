package drivertest

import (
	"context"
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

// ChaosCommand is the command of the children of [Chaos]. open returns the backend for the
// arguments behind the first three, and the name; mapped maps what an enemy of it has, as it
// is now.
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
