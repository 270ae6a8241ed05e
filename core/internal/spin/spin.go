// Package spin decides how long a waiter looks at a word before it blocks in the kernel.
package spin

import (
	"runtime"
	"time"
)

const (
	// shortest and longest bound one spin of [Adaptive]. Between them it may last as long as
	// worked says.
	shortest = 20 * time.Microsecond
	longest  = time.Millisecond
	// worked is how many times the time since the last wait a spin may last: who has copied a
	// large frame for that long waits for the other side, which does the same.
	worked = 2
	// soon is what about a wake-up takes: to spin that long pays.
	soon = 100 * time.Microsecond
	// nearby is the longest block that a spin might have spared. With both sides blocked an answer
	// takes two wake-ups, so a spin of that length, and no shorter one, brings them out of it.
	nearby = 500 * time.Microsecond
	// costlyMost is how many spins in a row may take longer than soon, and than work allows, until
	// spins are left out.
	costlyMost = 16
	// atOnce is how long a block takes at most if it has only let the other side run.
	atOnce = 10 * time.Microsecond
	// maxSkip is how many waits go by without a spin after many that were in vain.
	maxSkip = 256
	// crowdedSkip is the same where a spin keeps the other side from running.
	crowdedSkip = 256
	// crowdedMin is how often in a row that must have happened.
	crowdedMin = 4
	// looks is how often a spin looks between two looks at the clock, which cost more.
	looks = 32
	// fewLooks is how many of them take next to no time.
	fewLooks = 8
	// recheck is how many waits go by between two looks at the number of processors.
	recheck = 1024
)

// Mode is how a Spinner waits.
type Mode uint8

const (
	// Adaptive spins as long as that was not in vain.
	Adaptive Mode = iota
	// Never does not spin.
	Never
	// Always spins, and returns now and then for the caller to look around.
	Always
)

// Spinner is the memory of one waiter. The zero value is ready to use. It is not safe for
// concurrent use.
type Spinner struct {
	// Mode is set before the first wait.
	Mode Mode
	// Soon tells whether the last spin ended at one of its first looks.
	Soon bool

	skip    int       // waits to go without a spin
	penalty int       // what skip becomes after the next spin in vain
	vain    bool      // the wait in progress has begun with a spin in vain
	crowded int       // how often a spin kept the other side from running
	alone   bool      // there is one processor: whoever is waited for cannot run beside a spin
	known   int       // waits to go until alone is found out again
	ended   time.Time // when the last wait ended that took so long that the clock was looked at

	spared time.Duration // how long a spin has to be to spare a block like the last one, 0 for none
	costly int           // spins in a row that took longer than soon and than worked allows
}

// Until calls try until it returns more than 0 or the spin has lasted long enough, and returns
// what try returned last. After spins in vain Adaptive leaves out more and more of them.
func (s *Spinner) Until(try func() uint32) uint32 {
	s.Soon = false
	if !s.May() {
		return 0
	}
	return s.Spin(try)
}

// Spin is Until after [Spinner.May], for a wait that begins a while later.
func (s *Spinner) Spin(try func() uint32) uint32 {
	for i := range looks { // without the clock
		if n := try(); n != 0 {
			s.Soon = i < fewLooks
			s.foundSoon()
			return n
		}
		Pause(1)
	}
	return s.untilLate(try)
}

// untilLate goes on with a spin that has begun.
func (s *Spinner) untilLate(try func() uint32) uint32 {
	start := time.Now()
	for limit := min(max(shortest, s.spared, worked*s.work(start)), longest); ; {
		for range looks {
			if n := try(); n != 0 {
				s.found(start)
				return n
			}
			Pause(1)
		}
		if now := time.Now(); now.Sub(start) >= limit {
			s.ended = now
			break
		}
	}
	s.penalty = min(2*s.penalty+1, maxSkip)
	s.skip = s.penalty
	s.vain = true
	return 0
}

// work is how long this side has worked since its last wait, and at most longest.
func (s *Spinner) work(now time.Time) time.Duration {
	if s.ended.IsZero() {
		return 0
	}
	return min(now.Sub(s.ended), longest)
}

// foundSoon says that a spin was not in vain, and short.
func (s *Spinner) foundSoon() {
	s.skip, s.penalty, s.crowded, s.costly, s.spared = 0, 0, 0, 0, 0
}

// found says that a spin was not in vain, and began at start or a moment before.
func (s *Spinner) found(start time.Time) {
	s.skip, s.penalty, s.crowded = 0, 0, 0
	end := time.Now()
	switch took := end.Sub(start); {
	case took <= soon:
		s.foundSoon()
	case took <= worked*s.work(start):
		s.costly = 0
	default:
		if s.costly++; s.costly > costlyMost {
			s.costly, s.skip = 0, maxSkip
		}
	}
	s.ended = end
}

// May tells whether the next wait may begin with a spin. It is asked once before each.
func (s *Spinner) May() bool {
	if s.Mode != Adaptive {
		return s.Mode == Always
	}
	s.vain = false
	if s.skip > 0 {
		s.skip--
		return false
	}
	if s.known == 0 {
		s.known = recheck
		s.alone = runtime.NumCPU() == 1 || runtime.GOMAXPROCS(0) == 1
	}
	s.known--
	return !s.alone
}

// Blocked says that a wait ended in the kernel, at end and after it had blocked for took. One that
// was short might have been a spin, so the next spin comes sooner, and may last that long. But one
// that was short right after a spin in vain says that the other side ran as soon as this one had
// let go of the processor. Several times in a row, that is no accident: both sides have the same
// one.
func (s *Spinner) Blocked(end time.Time, took time.Duration) {
	s.ended = end
	s.spared = 0
	if took <= nearby {
		s.spared = 2 * took
	}
	switch {
	case s.vain && took < atOnce:
		if s.crowded++; s.crowded >= crowdedMin {
			s.skip = crowdedSkip
		}
	case s.vain:
		s.crowded = 0
	case took <= soon && s.crowded < crowdedMin:
		s.skip /= 2
	}
	s.vain = false
}
