//go:build linux

package death

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// other are the states with another side that block or pause.
func other(s state) bool { return s.group != alone && !s.spin }

// TestPIDReusedCrossProcess kills a side and gives its number to a stranger before the survivor can
// look: a process with the number of the dead one does not hide its death.
func TestPIDReusedCrossProcess(t *testing.T) {
	t.Parallel()
	if !inside(t, unix.CLONE_NEWPID|unix.CLONE_NEWIPC) {
		return
	}
	for _, c := range []struct{ kind, claims string }{
		{"posix", "ours"}, {"posix", "foreign"}, {"memfd", "ours"},
	} {
		t.Run(c.kind+"-"+c.claims, func(t *testing.T) {
			d := newDuel(t, c.kind, c.claims, wheres[0], namesOf(other))
			until(t, kills(2), func() bool {
				d.round()
				require.NoError(t, d.survivor.Process.Signal(syscall.SIGSTOP))
				d.victim.Kill()
				stranger := withPID(t, d.victim.PID(), "sleep")
				late := testproc.Lateness()
				began := monotonic()
				require.NoError(t, d.survivor.Process.Signal(syscall.SIGCONT))
				at, allowed := d.ends("dead")
				allowed += late()
				if stranger == nil {
					return false
				}
				for name, when := range at {
					took := time.Duration(when - began)
					d.delays[name] = append(d.delays[name], delay{took, allowed})
				}
				stranger.Ready().Kill()
				return true
			})
			d.judge(false)
		})
	}
}

// TestPIDReusedBeforeFirstLookCrossProcess lets the other side come, die and lose its number to a
// stranger before the survivor has made a call.
func TestPIDReusedBeforeFirstLookCrossProcess(t *testing.T) {
	t.Parallel()
	if !inside(t, unix.CLONE_NEWPID) {
		return
	}
	for _, c := range []struct{ kind, claims string }{
		{"posix", "ours"}, {"posix", "foreign"}, {"memfd", "ours"},
	} {
		t.Run(c.kind+"-"+c.claims, func(t *testing.T) {
			until(t, 1, func() bool { return comeAndGo(t, newPlace(t, c.kind), c.claims) })
		})
	}
}

// comeAndGo returns false if the number of the other side was not to be had.
func comeAndGo(t *testing.T, p place, claims string) bool {
	t.Helper()
	name := newName()
	r, err := zerobuffer.NewReader(p.backend(), name+"read-frame", patient())
	require.NoError(t, err)
	defer r.Close()
	defer tidyUp(t, name+"reserve")
	v := begin(t, nil, "victim", p.kind, p.dir, name, "read-frame,reserve", claims)
	require.Equal(t, "made", v.Line())
	v.Step()
	require.Contains(t, v.Line(), "ready")
	v.Kill()
	if withPID(t, v.PID(), "sleep") == nil {
		return false
	}
	f, err := r.ReadFrame(background)
	require.NoError(t, err, "what the dead writer has written")
	f.Release()
	_, err = r.ReadFrame(background)
	require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
	_, err = zerobuffer.NewWriter(p.backend(), name+"reserve", nil)
	require.ErrorIs(t, err, zerobuffer.ErrNotReady)
	next, err := zerobuffer.NewReader(p.backend(), name+"reserve", readerOptions())
	require.NoError(t, err, "the name of the dead reader is free")
	require.NoError(t, next.Close())
	return true
}

// TestSameNumberAgainCrossProcess starts the next peer with the very number of the dead one, as it
// is where a container is started again: it takes its place, and the survivor goes on with it.
func TestSameNumberAgainCrossProcess(t *testing.T) {
	t.Parallel()
	if !inside(t, unix.CLONE_NEWPID) {
		return
	}
	for _, kind := range []string{"posix", "memfd"} {
		t.Run(kind+"/writer", func(t *testing.T) { nextWriters(t, newPlace(t, kind)) })
		t.Run(kind+"/writer-unseen", func(t *testing.T) {
			until(t, 2, func() bool { return nextWriterUnseen(t, newPlace(t, kind)) })
		})
		t.Run(kind+"/reader", func(t *testing.T) {
			until(t, 2, func() bool { return nextReader(t, newPlace(t, kind)) })
		})
	}
}

// nextWriters kills one writer after the other, in front of a reader that goes on reading.
func nextWriters(t *testing.T, p place) {
	t.Helper()
	name := newName()
	r, err := zerobuffer.NewReader(p.backend(), name+"read-frame", patient())
	require.NoError(t, err)
	defer r.Close()
	frames, last := make(chan uint64), make(chan error)
	go func() { last <- readOn(r, frames) }()
	args := []string{"victim", p.kind, p.dir, name, "read-frame", "ours"}
	pid, seq := uint64(0), uint64(0)
	until(t, 3, func() bool {
		var v *testproc.Child
		if pid != 0 {
			v = withPID(t, pid, args...)
		}
		again := v != nil
		if v == nil {
			v = begin(t, nil, args[0], args[1:]...)
		}
		pid = v.PID()
		require.Equal(t, "made", v.Line())
		v.Step()
		require.Equal(t, "ready "+strconv.FormatUint(pid, 10), v.Line())
		seq++
		require.Equal(t, seq, <-frames)
		v.Kill()
		return again
	})
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-last, zerobuffer.ErrClosed)
}

// nextWriterUnseen starts the next writer before the reader has looked at the dead one.
func nextWriterUnseen(t *testing.T, p place) bool {
	t.Helper()
	name := newName()
	r, err := zerobuffer.NewReader(p.backend(), name+"read-frame", patient())
	require.NoError(t, err)
	defer r.Close()
	args := []string{"victim", p.kind, p.dir, name, "read-frame", "ours"}
	first := begin(t, nil, args[0], args[1:]...)
	require.Equal(t, "made", first.Line())
	first.Step()
	require.NoError(t, readFrame(side{r: r}))
	first.Kill()
	next := withPID(t, first.PID(), args...)
	if next == nil {
		return false
	}
	require.Equal(t, "made", next.Line())
	next.Step()
	time.Sleep(50 * time.Millisecond) // until it has found its own number in the segment
	err = readFrame(side{r: r})
	for end := time.Now().Add(watchdog); errors.Is(err, zerobuffer.ErrWriterDead); {
		require.True(t, time.Now().Before(end), "the next writer does not come")
		err = readFrame(side{r: r})
	}
	require.NoError(t, err)
	require.Contains(t, next.Line(), "ready")
	return true
}

// nextReader kills a reader and starts the next one while the writer still has the old segment
// open.
func nextReader(t *testing.T, p place) bool {
	t.Helper()
	name := newName()
	defer tidyUp(t, name)
	args := []string{"victim", p.kind, p.dir, name, "reserve", "ours"}
	first := begin(t, nil, args[0], args[1:]...)
	require.Equal(t, "made", first.Line())
	w, err := zerobuffer.NewWriter(p.backend(), name+"reserve", nil)
	require.NoError(t, err)
	defer w.Close()
	first.Kill() // the writer has not looked yet
	next := withPID(t, first.PID(), args...)
	if next == nil {
		return false
	}
	require.Equal(t, "made", next.Line())
	again, err := zerobuffer.NewWriter(p.backend(), name+"reserve", nil)
	require.NoError(t, err)
	defer again.Close()
	require.ErrorIs(t, w.WriteFrame(background, []byte{1}), zerobuffer.ErrReaderDead,
		"the reader of this writer is the dead one")
	next.Step()
	require.Contains(t, next.Line(), "ready")
	next.Step()
	require.Equal(t, "went on", next.Line())
	next.End()
	return true
}

// readOn tells the numbers of the frames of one writer after the other.
func readOn(r *zerobuffer.Reader, frames chan<- uint64) error {
	defer close(frames)
	for {
		f, err := r.ReadFrame(background)
		switch {
		case errors.Is(err, zerobuffer.ErrWriterDead):
			time.Sleep(time.Millisecond)
			continue
		case err != nil:
			return err
		}
		frames <- f.Sequence()
		f.Release()
	}
}

// TestStrangerWithTheNumberCrossProcess gives a process of the survivor's namespace the number that
// the victim has in its own: it neither hides the death of the victim, nor does its own end count.
func TestStrangerWithTheNumberCrossProcess(t *testing.T) {
	t.Parallel()
	if !inside(t, unix.CLONE_NEWPID|unix.CLONE_NEWIPC) {
		return
	}
	for _, c := range []struct{ kind, claims string }{
		{"posix", "ours"}, {"posix", "foreign"}, {"memfd", "ours"},
	} {
		for _, ends := range []string{"stranger-lives-on", "stranger-ends"} {
			t.Run(c.kind+"-"+c.claims+"/"+ends, func(t *testing.T) {
				until(t, 1, func() bool { return besideStranger(t, c.kind, c.claims, ends) })
			})
		}
	}
}

// besideStranger returns false if the number was not to be had.
func besideStranger(t *testing.T, kind, claims, ends string) bool {
	t.Helper()
	d := newDuel(t, kind, claims, wheres[0], namesOf(other))
	v := begin(t, container(), "boxed", "nested", "victim", d.place.kind, d.place.dir, d.buffer(),
		d.states, claims)
	d.rounds++
	require.Equal(t, "made", v.Line())
	v.Step()
	_, number, _ := strings.Cut(v.Line(), " ")
	pid, err := strconv.ParseUint(number, 10, 64)
	require.NoError(t, err)
	stranger := withPID(t, pid, "sleep")
	if stranger == nil {
		d.survivor.Kill()
		v.Kill()
		return false
	}
	require.Equal(t, "ready", d.survivor.Line())
	time.Sleep(250 * time.Millisecond) // until the survivor has looked in all its ways
	if ends == "stranger-ends" {
		stranger.Kill()
		time.Sleep(250 * time.Millisecond)
	}
	late := testproc.Lateness()
	killed := monotonic()
	v.Kill()
	ended := monotonic()
	at, allowed := d.ends("dead")
	allowed += time.Duration(ended-killed) + late()
	for name, when := range at {
		require.Greater(t, when, killed, "%s: a death was made up", name)
		d.delays[name] = []delay{{time.Duration(when - killed), allowed}}
	}
	d.judge(false)
	return true
}
