//go:build linux

package stress

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Of 50 processes that want the same role of a buffer at once, exactly one gets it, each time, and
// the others learn that it is taken. Now and then the winner is killed, and the next 50 want the
// place of a dead one. Only one process at a time holds a role, by a word that each winner claims
// beside the library, and what it writes, or reads, is its own.
func TestAttachRaceCrossProcess(t *testing.T) {
	a := newArena(t)
	for i, k := range kinds {
		for _, role := range []driver.Role{driver.Writer, driver.Reader} {
			if k.containers > 1 && role == driver.Writer {
				continue // the place of a writer has nothing to do with that
			}
			ok := t.Run(k.name+"-"+role.String(), func(t *testing.T) {
				a.run(t, race{role, i}, newBudget(1200*time.Millisecond))
			})
			if !ok {
				return // the contestants are still in that round
			}
		}
	}
}

// arena has the processes that take part in all races.
type arena struct {
	*area
	places   []place
	programs [contestants]*program
	round    uint64
	ready    uint64 // of the programs that were started so far
	done     uint64
	ended    uint64
}

func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{area: newArea(t, wordsInAll)}
	t.Cleanup(a.close)
	for i := range kinds {
		a.places = append(a.places, newPlace(t, i))
	}
	for i := range contestants {
		a.start(t, i)
	}
	t.Cleanup(func() {
		for _, p := range a.programs {
			p.kill()
		}
	})
	return a
}

// start starts contestant i.
func (a *arena) start(t *testing.T, i int) {
	t.Helper()
	args := []string{prefix, strconv.Itoa(i)}
	for _, p := range a.places {
		args = append(args, p.in(i).args()...)
	}
	a.programs[i] = launch(t, a.area, "contest", args...)
	a.ready++
}

// wait waits until a word has reached a value.
func (a *arena) wait(t *testing.T, word int, value uint64) {
	t.Helper()
	hung := time.Now().Add(watchdog)
	await(&a.words[word], func(v uint64) bool {
		if time.Now().After(hung) {
			t.Fatalf("contestants hang: word %d is %d, want %d", word, v, value)
		}
		return v >= value
	})
}

// run does as many rounds as there is time for.
func (a *arena) run(t *testing.T, r race, limit budget) {
	rivals := make([]rival, lanes)
	for lane := range rivals {
		rivals[lane] = newRival(t, a, r, lane)
	}
	races, kills := 0, 0
	for ; limit.more(races); races += lanes {
		kill := rand.N(4) == 0
		a.doRound(t, r, rivals, kill)
		if kill {
			kills++
		}
	}
	for lane := range rivals {
		rivals[lane].close(t)
		for i := range kinds[r.place].containers {
			a.places[r.place].lane(lane).in(i).requireGone(t, r.laneName(prefix, lane))
		}
	}
	t.Logf("%d races of %d processes for the role of a %v, a winner was killed in %d rounds of %d",
		races, contestants, r.role, kills, lanes)
}

// doRound lets all contestants compete in all lanes, and looks at what has come of it.
func (a *arena) doRound(t *testing.T, r race, rivals []rival, kill bool) {
	t.Helper()
	a.wait(t, wordReady, a.ready)
	a.round++
	tell(&a.words[orderStart], r.order(a.round))
	a.done += lanes * contestants
	a.wait(t, wordDone, a.done)
	winners := make([]int, lanes)
	for lane := range winners {
		winners[lane] = a.winner(t, lane)
	}
	victim := -1
	if kill {
		victim = winners[rand.N(lanes)]
	}
	var all sync.WaitGroup
	for lane, w := range winners {
		all.Go(func() { rivals[lane].meet(t, a.programs[w].PID(), a.round) })
	}
	all.Wait()
	if kill {
		a.programs[victim].kill()
		a.start(t, victim)
	}
	for lane, w := range winners {
		if w == victim {
			a.words[wordOwner+lane].Store(0)
		} else {
			a.ended++
		}
	}
	tell(&a.words[orderEnd], r.order(a.round))
	a.wait(t, wordEnded, a.ended)
	require.Zero(t, a.words[wordFaults].Load(), "a contestant has printed what is wrong")
	if r.role == driver.Reader && !kill {
		for lane, w := range winners {
			a.places[r.place].lane(lane).in(w).requireGone(t, r.laneName(prefix, lane))
		}
	}
}

// winner is the one contestant that has won a lane.
func (a *arena) winner(t *testing.T, lane int) int {
	t.Helper()
	winner := -1
	for i := range contestants {
		result := a.words[wordResults+lane*contestants+i].Load()
		require.Equal(t, a.round, result>>8)
		switch outcome(result & 0xff) {
		case won:
			require.Equal(t, -1, winner, "two have won lane %d of round %d", lane, a.round)
			winner = i
		case broken:
			t.Fatalf("contestant %d got another error in lane %d of round %d", i, lane, a.round)
		}
	}
	require.NotEqual(t, -1, winner, "nobody has won lane %d of round %d", lane, a.round)
	return winner
}

// rival is the other side of a lane, which the test itself is: the reader of the writers, which
// stays, or a new writer for each of the readers.
type rival struct {
	race  race
	place place
	name  string
	r     *zerobuffer.Reader
	read  uint64
}

func newRival(t *testing.T, a *arena, r race, lane int) rival {
	t.Helper()
	v := rival{race: r, place: a.places[r.place].lane(lane), name: r.laneName(prefix, lane)}
	if r.role == driver.Writer {
		side, err := take(driver.Reader, v.place.backend(), v.name)
		require.NoError(t, err)
		v.r = side.(*zerobuffer.Reader)
		t.Cleanup(func() { v.r.Close() })
	}
	return v
}

// meet gets a frame of the winner pid, or gives it one.
func (v *rival) meet(t *testing.T, pid, round uint64) {
	if v.r != nil {
		if err := expectProof(v.r, pid, round); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if v.read++; v.r.FramesRead() != v.read {
			t.Errorf("%s: %d frames after %d rounds", v.name, v.r.FramesRead(), v.read)
		}
		return
	}
	ctx, cancel := context.WithTimeout(background, watchdog)
	defer cancel()
	w, err := zerobuffer.OpenWriter(ctx, v.place.backend(), v.name, nil)
	if err != nil {
		t.Errorf("%s: %v", v.name, err)
		return
	}
	if err := w.WriteFrame(background, proof(uint64(os.Getpid()), round)); err != nil {
		t.Errorf("%s: %v", v.name, err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("%s: %v", v.name, err)
	}
}

// close ends the buffer. What a killed winner has left, a last reader takes away.
func (v *rival) close(t *testing.T) {
	t.Helper()
	if v.r != nil {
		require.NoError(t, v.r.Close())
		return
	}
	for i := range kinds[v.place.kind].containers {
		last, err := take(driver.Reader, v.place.in(i).backend(), v.name)
		require.NoError(t, err)
		require.NoError(t, last.Close())
	}
}
