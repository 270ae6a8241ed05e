//go:build linux

package stress

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// The words of a storm.
const (
	stormOwner  = iota // the PID of the reader that lives, as the readers themselves see to it
	stormLives         // how many readers have come and gone
	stormFaults        // what was wrong in the eyes of a child, which has printed it
	stormPhase         // from here on: what each child is doing
)

// The phases of a child.
const (
	creating = iota
	living
	closing
	phases
)

// Several processes make and remove one buffer all the time, others connect to it, and every few
// milliseconds one of them is killed, in its create, its life or its close. A buffer whose reader
// lives keeps all its files, nobody else gets the name meanwhile, and in the end nothing is left.
func TestReapStormCrossProcess(t *testing.T) {
	for i, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			const stormers = 8 // the first two are writers
			p, name := newPlace(t, i), prefix+"storm"
			shared := newArea(t, stormPhase+stormers)
			defer shared.close()
			var all [stormers]*program
			begin := func(i int) {
				role := "reader"
				if i < 2 {
					role = "writer"
				}
				all[i] = launch(t, shared, "storm",
					append(p.in(i).args(), name, role, fmt.Sprint(stormPhase+i))...)
			}
			for i := range all {
				begin(i)
			}
			var killed [phases]int
			kills := 0
			for limit := newBudget(2 * time.Second); limit.more(kills); kills++ {
				upTo(10 * time.Millisecond)
				victim := chooseVictim(shared.words[stormPhase:])
				all[victim].kill()
				require.Error(t, all[victim].err, "a child ends only when it is told to")
				require.Zero(t, shared.words[stormFaults].Load(), "a child has printed what is wrong")
				if victim >= 2 {
					killed[shared.words[stormPhase+victim].Load()]++
				}
				begin(victim)
			}
			for _, c := range all {
				c.finish()
			}
			for _, c := range all {
				c.join(t)
			}
			require.Zero(t, shared.words[stormFaults].Load(), "a child has printed what is wrong")
			for i := range k.containers {
				lastReader(t, p.in(i), name)
			}
			t.Logf("%d lives, %d kills: of readers %d in the create, %d in the life, %d in the close",
				shared.words[stormLives].Load(), kills, killed[creating], killed[living],
				killed[closing])
		})
	}
}

// chooseVictim returns any child, or one that is just in a given phase: most of them are creating,
// so that chance alone would seldom meet a life or a close.
func chooseVictim(children []atomic.Uint64) int {
	phase := rand.N[uint64](phases)
	for end := time.Now().Add(5 * time.Millisecond); time.Now().Before(end); {
		for range children {
			if i := rand.N(len(children)); children[i].Load() == phase {
				for range rand.N(20000) { // up to some microseconds
					children[i].Load()
				}
				return i
			}
		}
	}
	return rand.N(len(children))
}

// lastReader gets the name, at once and whatever was left, and leaves nothing.
func lastReader(t *testing.T, p place, name string) {
	t.Helper()
	r, err := zerobuffer.NewReader(p.backend(), name, nil)
	require.NoError(t, err)
	all, _ := p.paths(name)
	require.Len(t, p.objects(name), len(all))
	require.NoError(t, r.Close())
	p.requireGone(t, name)
}

// stormer is a child in a storm.
type stormer struct {
	*area
	place place
	name  string
	phase *atomic.Uint64
}

// storm PLACE NAME ROLE WORD: is a reader or a writer of the buffer, again and again.
func storm(args []string) error {
	finish := orders()
	shared, err := inherited()
	if err != nil {
		return err
	}
	var word int
	if _, err := fmt.Sscan(args[4], &word); err != nil {
		return err
	}
	s := stormer{shared, placeOf(args), args[2], &shared.words[word]}
	for !finish.Load() {
		do := s.read
		if args[3] == "writer" {
			do = s.write
		}
		if err := do(); err != nil {
			s.words[stormFaults].Add(1)
			return fmt.Errorf("process %d: %w", os.Getpid(), err)
		}
	}
	return nil
}

// read is one life of a reader.
func (s stormer) read() error {
	s.phase.Store(creating)
	r, err := zerobuffer.NewReader(s.place.backend(), s.name,
		&zerobuffer.ReaderOptions{PayloadSize: 4096})
	if errors.Is(err, zerobuffer.ErrReaderConnected) {
		upTo(time.Millisecond)
		return nil
	} else if err != nil {
		return err
	}
	if err := s.own(); err != nil {
		return err
	}
	s.phase.Store(living)
	before := s.place.objects(s.name)
	for end := time.Now().Add(rand.N(2 * time.Millisecond)); time.Now().Before(end); {
		f, ok, err := r.TryReadFrame()
		if ok && !strings.HasPrefix(string(f.Bytes()), "from ") {
			err = fmt.Errorf("frame is %q", f.Bytes())
		}
		f.Release()
		if err != nil && !errors.Is(err, zerobuffer.ErrWriterDead) &&
			!errors.Is(err, zerobuffer.ErrWriterClosed) {
			return err
		}
	}
	if err := s.sameObjects(before); err != nil {
		return err
	}
	s.words[stormLives].Add(1)
	s.phase.Store(closing)
	if me := uint64(os.Getpid()); !s.words[stormOwner].CompareAndSwap(me, 0) {
		return fmt.Errorf("process %d owns the buffer, too", s.words[stormOwner].Load())
	}
	return r.Close()
}

// own notes that this process is the only reader. The one before has let go before it closed; if it
// has not, it must have been killed, and then it ends without another instruction of its own.
func (s stormer) own() error {
	owner, me := &s.words[stormOwner], uint64(os.Getpid())
	old := owner.Load()
	for end := time.Now().Add(watchdog); old != 0 && !hasEnded(old); {
		if time.Now().After(end) || owner.Load() != old {
			return fmt.Errorf("process %d owned the buffer and lived", old)
		}
		time.Sleep(100 * time.Microsecond)
	}
	if !owner.CompareAndSwap(old, me) {
		return fmt.Errorf("process %d owns the buffer, too", owner.Load())
	}
	return nil
}

// hasEnded tells whether a process is gone, or waits only to be buried.
func hasEnded(pid uint64) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return err != nil || strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}

// sameObjects checks that all files of a live buffer are there, and still the same.
func (s stormer) sameObjects(before map[string]os.FileInfo) error {
	after := s.place.objects(s.name)
	_, firm := s.place.paths(s.name)
	for _, path := range firm {
		if before[path] == nil || after[path] == nil || !os.SameFile(before[path], after[path]) {
			return fmt.Errorf("%s of a live buffer was taken away (was there: %v, is there: %v)",
				path, before[path] != nil, after[path] != nil)
		}
	}
	return nil
}

// write is one life of a writer. The buffer may end at any moment.
func (s stormer) write() error {
	w, err := zerobuffer.NewWriter(s.place.backend(), s.name, nil)
	gone := func(err error) bool {
		return errors.Is(err, zerobuffer.ErrReaderDead) ||
			errors.Is(err, zerobuffer.ErrSegmentRemoved)
	}
	if errors.Is(err, zerobuffer.ErrBufferNotFound) || gone(err) ||
		errors.Is(err, zerobuffer.ErrWriterConnected) {
		upTo(time.Millisecond)
		return nil
	}
	for range rand.N(20) {
		if err == nil {
			_, err = w.TryWriteFrame(fmt.Appendf(nil, "from %d", os.Getpid()))
		}
	}
	if err != nil && !gone(err) {
		return err
	}
	return w.Close()
}
