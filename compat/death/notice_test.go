//go:build linux

package death

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

const (
	// worst and typical are the promise: how long after the end of the other side a call ends.
	worst   = 250 * time.Millisecond
	typical = 20 * time.Millisecond
)

// where says who the two processes are to each other.
type where struct {
	name             string
	survivor, victim func() *syscall.SysProcAttr
	// seen says that the victim's number is visible to the survivor.
	seen  bool
	kills int
}

func same() *syscall.SysProcAttr      { return nil }
func otherUser() *syscall.SysProcAttr { return user(65534) }
func thirdUser() *syscall.SysProcAttr { return user(65533) }

var wheres = []where{
	{"same", same, same, true, 20},
	{"other-user", otherUser, thirdUser, true, 8},
	{"victim-in-container", same, container, false, 8},
	{"survivor-in-container", container, same, false, 8},
	{"two-containers", container, container, false, 8},
}

// TestDeathNoticedCrossProcess kills one side at random moments while the other one is in each
// state. The bounds are the promise; what the machine itself takes is allowed for.
func TestDeathNoticedCrossProcess(t *testing.T) {
	for _, c := range []struct{ kind, claims string }{
		{"posix", "ours"}, {"posix", "foreign"}, {"memfd", "ours"},
	} {
		for _, w := range wheres {
			t.Run(c.kind+"-"+c.claims+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				if w.name != "same" {
					needRoot(t)
				}
				d := newDuel(t, c.kind, c.claims, w, namesOf(other))
				for i := range kills(w.kills) {
					d.round()
					d.kill(i%2 == 0)
				}
				d.judge(w.seen || c.kind == "memfd")
			})
		}
	}
}

// TestDeathNoticedSpinningCrossProcess does the same while the survivor spins. One at a time, since
// a spin takes a whole processor.
func TestDeathNoticedSpinningCrossProcess(t *testing.T) {
	for _, kind := range []string{"posix", "memfd"} {
		for _, st := range states {
			if st.spin {
				t.Run(kind+"/"+st.name, func(t *testing.T) {
					d := newDuel(t, kind, "ours", wheres[0], st.name)
					for i := range kills(8) {
						d.round()
						d.kill(i%2 == 0)
					}
					d.judge(true)
				})
			}
		}
	}
}

// kills is how many kills there are in a case: ZEROBUFFER_RUNS times as many for a long run.
func kills(n int) int {
	if times, err := strconv.Atoi(os.Getenv("ZEROBUFFER_RUNS")); err == nil {
		return n * times
	}
	if testing.Short() {
		return 2
	}
	return n
}

// duel is a survivor and its victims.
type duel struct {
	t        *testing.T
	place    place
	claims   string
	where    where
	states   string
	survivor *testproc.Child
	victim   *testproc.Child
	name     string
	rounds   int
	delays   map[string][]delay
}

// delay is how long it took until a state ended.
type delay struct {
	took    time.Duration // since the signal was sent
	allowed time.Duration // what the machine took: to end the process, and to run others in time
}

func newDuel(t *testing.T, kind, claims string, w where, names string) *duel {
	t.Helper()
	d := &duel{
		t: t, place: newPlace(t, kind), claims: claims, where: w, states: names, name: newName(),
		delays: map[string][]delay{},
	}
	t.Cleanup(func() {
		for i := range d.rounds {
			tidyUp(t, fmt.Sprintf("%s-%d-", d.name, i))
		}
	})
	d.survivor = d.begin(w.survivor(), "survivor", d.name, names)
	return d
}

func (d *duel) begin(attr *syscall.SysProcAttr, args ...string) *testproc.Child {
	d.t.Helper()
	args = slices.Insert(args, 1, d.place.args()...)
	if attr != nil && attr.Cloneflags != 0 {
		args = append([]string{"boxed"}, args...)
	}
	return begin(d.t, attr, args[0], args[1:]...)
}

// round starts the next victim, and returns when both sides have met in each state.
func (d *duel) round() {
	d.t.Helper()
	d.meet(d.begin(d.where.victim(), "victim", d.buffer(), d.states, d.claims))
}

// buffer starts the names of the buffers of the round.
func (d *duel) buffer() string { return fmt.Sprintf("%s-%d-", d.name, d.rounds) }

// meet waits until a new victim and the survivor have met.
func (d *duel) meet(victim *testproc.Child) {
	d.t.Helper()
	d.victim = victim
	require.Equal(d.t, "made", d.victim.Line())
	d.victim.Step()
	if d.rounds > 0 {
		d.survivor.Step()
	}
	d.rounds++
	require.Contains(d.t, d.victim.Line(), "ready")
	require.Equal(d.t, "ready", d.survivor.Line())
}

// kill ends the victim at some moment, and notes when each state has ended. The victim is a zombie
// until then, unless it is waited for at once.
func (d *duel) kill(reap bool) {
	d.t.Helper()
	time.Sleep(rand.N(60 * time.Millisecond))
	late := testproc.Lateness()
	killed := monotonic()
	require.NoError(d.t, d.victim.Process.Kill())
	flags := unix.WEXITED | unix.WNOWAIT
	require.NoError(d.t, unix.Waitid(unix.P_PID, d.victim.Process.Pid, nil, flags, nil))
	ended := monotonic()
	if reap {
		d.victim.Kill()
	}
	at, allowed := d.ends("dead")
	d.victim.Kill()
	allowed += time.Duration(ended-killed) + late()
	slow := false
	for name, when := range at {
		took := time.Duration(when - killed)
		d.delays[name] = append(d.delays[name], delay{took, allowed})
		slow = slow || took-allowed > worst && !raceEnabled
	}
	if slow {
		d.judge(false) // there is no need to go on
	}
}

// ends waits until each state has ended for the given reason, and returns when that was, and what
// is to be allowed for how late the survivor was run each time that it had to.
func (d *duel) ends(reason string) (at map[string]int64, allowed time.Duration) {
	d.t.Helper()
	at = map[string]int64{}
	for range choose(d.states) {
		line := d.survivor.Line()
		f := strings.SplitN(line, " ", 3)
		require.Len(d.t, f, 3, line)
		require.Contains(d.t, strings.SplitN(f[2], ":", 2)[0], reason, line)
		when, err := strconv.ParseInt(f[1], 10, 64)
		require.NoError(d.t, err)
		at[f[0]] = when
	}
	return at, lateWakes * d.done()
}

// lateWakes is how often a survivor is run between the death and its last line: for the hint, for
// the call that it wakes, and for one that was asleep.
const lateWakes = 3

// done waits until the survivor has done with a round, and returns how late it was run.
func (d *duel) done() time.Duration {
	d.t.Helper()
	line := d.survivor.Line()
	number, ok := strings.CutPrefix(line, "done ")
	require.True(d.t, ok, line)
	late, err := strconv.ParseInt(number, 10, 64)
	require.NoError(d.t, err)
	return time.Duration(late)
}

// judge prints how long it took, and compares it with the promise.
func (d *duel) judge(quick bool) {
	d.t.Helper()
	for name, all := range d.delays {
		var took, beyond []time.Duration
		for _, one := range all {
			took = append(took, one.took)
			beyond = append(beyond, one.took-one.allowed)
		}
		slices.Sort(took)
		slices.Sort(beyond)
		n := len(all)
		d.t.Logf("%-16s %2d kills, noticed after %v / %v / %v", name, n,
			round(took[0]), round(took[n/2]), round(took[n-1]))
		if raceEnabled {
			continue // it slows everything down: the promise is for programs without
		}
		require.LessOrEqual(d.t, beyond[n-1], worst, "%s: the slowest of %v", name, took)
		if quick {
			require.LessOrEqual(d.t, beyond[n/2], typical, "%s: the median of %v", name, took)
		}
	}
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// monotonic is a clock that all processes of the machine share.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}
