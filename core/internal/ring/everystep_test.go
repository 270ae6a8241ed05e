//go:build zbsteps

package ring

import (
	"os"
	"testing"
)

// totals is what an exploration has tried.
type totals struct {
	plans, runs, states, kills int
	ahead, begun               int // as in scene
	limits
}

// explore plays all runs of a plan.
func (all *totals) explore(t *testing.T, pl plan) {
	t.Helper()
	next := uint64(1)
	for i := range pl.parts {
		pl.parts[i].number = next
		if pl.parts[i].seal != 0 {
			next++
		}
	}
	p := newPaths()
	for more := true; more; more = p.next() {
		s := newScene(p, pl)
		counted, err := s.run()
		if err != nil {
			for _, l := range s.log {
				t.Log(l)
			}
			o := s.seg.OIEB
			t.Fatalf("%v\nplan %+v\ndecisions %v, reader at %s, R %d W %d F %d tokens %d", err, pl, p,
				s.rd.place, o.ReadPos.Load(), o.WritePos.Load(), o.PayloadFree.Load(), s.data.tokens)
		}
		if counted {
			all.runs++
		}
		all.kills += s.kills
		all.ahead += s.ahead
		all.begun += s.begun
		all.doubt += s.limits.doubt
		all.noRoom += s.limits.noRoom
		all.looks += s.limits.looks
	}
	all.plans++
	all.states += len(p.seen)
}

func (all *totals) log(t *testing.T) {
	t.Helper()
	t.Logf("%d plans, %d states, %d runs to their end, %d kills; excused: space in doubt %d, no room "+
		"for that %d; looks after a time-out %d", all.plans, all.states,
		all.runs, all.kills, all.doubt, all.noRoom, all.looks)
	if all.runs == 0 {
		t.Error("nothing was tried")
	}
}

// wide tells whether much more is to be tried than in each run of the tests.
func wide() bool { return os.Getenv("ZEROBUFFER_WIDE") != "" }

// eachReader runs a test with a reader of ours and with a strict foreign one.
func eachReader(t *testing.T, test func(t *testing.T, foreign bool)) {
	for _, foreign := range []bool{false, true} {
		t.Run(map[bool]string{false: "our-reader", true: "foreign-reader"}[foreign],
			func(t *testing.T) { test(t, foreign) })
	}
}

// TestKillAtEveryStep kills the writer at every step while the reader stands at every step of its
// own, and its successor at every step of its recovery, for five frames and more over two laps.
func TestKillAtEveryStep(t *testing.T) {
	eachReader(t, func(t *testing.T, foreign bool) {
		plans := map[string]plan{
			"frames":      {size: 64, parts: frames(1, 20, 1, 20, 1)},
			"one-held":    {size: 80, parts: frames(10, 17, 1, 24, 9), hold: 1},
			"two-held":    {size: 80, parts: frames(1, 1, 1, 1, 1, 20, 1), hold: 2},
			"held-behind": {size: 96, parts: frames(10, 17, 1, 24, 9, 1), hold: 1, newest: !foreign},
			"whole-ring":  {size: 64, parts: frames(30, 48, 20, 40, 1)},
			"whole-held":  {size: 64, parts: frames(1, 48, 20, 1, 1), hold: 1},
			"batches":     {size: 96, parts: append(together(1, 2, 3), together(4, 20)...), hold: 1},
			"reserved": {size: 72, parts: []part{
				{open: 40, seal: 1},
				{open: 20},
				{open: 30, seal: 24},
				{open: 50, seal: 3},
				{open: 1, seal: 1},
			}},
			"closed": {size: 64, parts: frames(1, 20, 1), hold: 1, close: true},
		}
		if wide() {
			plans["frames-on"] = plan{size: 64, parts: frames(1, 20, 1, 1, 20, 1, 20, 1)}
			plans["wide"] = plan{size: 64, parts: frames(1, 20, 1), wide: true}
			plans["wide-held"] = plan{size: 80, parts: frames(10, 17, 24), hold: 1, wide: true}
		}
		var all totals
		for name, pl := range plans {
			t.Run(name, func(t *testing.T) {
				if pl.foreign, pl.kills = foreign, 2; testing.Short() {
					pl.kills = 1
				}
				all.explore(t, pl)
			})
		}
		all.log(t)
	})
}

// TestKillWithFrameAhead does the same with frames that are written ahead and begin a lap, move
// behind the last one, or are given up. The reader has to be ours.
func TestKillWithFrameAhead(t *testing.T) {
	up := part{open: 20, ahead: true}
	short := part{open: 20, seal: 3, ahead: true}
	var all totals
	for name, pl := range map[string]plan{
		"frames":   {size: 128, parts: append(frames(20, 20), aheadOf(20), aheadOf(1))},
		"held":     {size: 128, parts: append(frames(4, 4, 4), aheadOf(9), aheadOf(20)), hold: 1},
		"given-up": {size: 128, parts: append(frames(20, 20), up, aheadOf(10)), hold: 1},
		"shorter":  {size: 128, parts: append(frames(20, 20), short, aheadOf(1))},
	} {
		t.Run(name, func(t *testing.T) {
			if pl.kills = 2; testing.Short() {
				pl.kills = 1
			}
			all.explore(t, pl)
		})
	}
	all.log(t)
	t.Logf("%d frames ahead, %d laps", all.ahead, all.begun)
	if all.begun == 0 || all.begun == all.ahead {
		t.Error("one of the two ways was never taken")
	}
}

// TestKillAtEveryPlace does the same with two frames from every position of a small ring on, in
// rings of sizes that leave every tail. The last frame brings the reader of the end across a lap.
func TestKillAtEveryPlace(t *testing.T) {
	eachReader(t, func(t *testing.T, foreign bool) {
		var all totals
		step := uint64(1)
		if testing.Short() {
			step = 13
		}
		for n := uint64(1); n <= 48; n += step {
			for i, next := range [][]uint64{{1, 20}, {20, 1}, {24, 17}} {
				size := 64 + uint64(i)*5 + n%5
				pl := plan{
					size: size, foreign: foreign, parts: frames(append([]uint64{n}, next...)...),
					before: 1, hold: int(n+uint64(i)) % 2, kills: 1,
				}
				if wide() {
					pl.kills = 2
				}
				all.explore(t, pl)
			}
		}
		all.log(t)
	})
}

// TestEverySchedule plays every schedule of three writes with a wrap against three reads with one
// frame held, alone, with a close and with a kill; the reader moves in the recovery, too.
func TestEverySchedule(t *testing.T) {
	eachReader(t, func(t *testing.T, foreign bool) {
		wrap := plan{size: 96, foreign: foreign, parts: frames(20, 20, 20), hold: 1}
		closes, killed := wrap, wrap
		closes.close = true
		killed.kills, killed.wide = 1, true
		for name, pl := range map[string]plan{"alone": wrap, "close": closes, "kill": killed} {
			t.Run(name, func(t *testing.T) {
				var all totals
				all.explore(t, pl)
				all.log(t)
			})
		}
	})
}
