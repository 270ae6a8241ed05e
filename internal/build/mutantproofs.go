package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// proofs tell whether the tests of mutants pass without the faults. To link takes longer than to
// run, so that is found out once for all tests of one binary.
type proofs map[binary]*proof

// binary is what mutants have in common whose tests are run by one program.
type binary struct{ pkg, flags, target string }

type proof struct {
	once sync.Once
	run  []string // patterns of all tests
	took time.Duration
	err  error
}

func (m Mutant) binary() binary { return binary{m.Package, m.Flags, m.Target} }

func (p proofs) add(m Mutant) {
	if p[m.binary()] == nil {
		p[m.binary()] = &proof{}
	}
	all := p[m.binary()]
	if !slices.Contains(all.run, m.Run) {
		all.run = append(all.run, m.Run)
	}
}

// of tells whether the tests of a mutant, and of those like it, pass in a tree without a fault. It
// returns a time that is far from what they take, all together.
func (p proofs) of(ctx context.Context, m Mutant, w *workshop) (time.Duration, error) {
	all := p[m.binary()]
	all.once.Do(func() {
		begin := time.Now()
		defer func() { all.took = time.Since(begin) }()
		run, err := m.tests(ctx, w, strings.Join(all.run, "|"), 5*time.Minute)
		if err != nil {
			all.err = err
			return
		}
		if results, err := run.Do(ctx); err != nil {
			all.err = fmt.Errorf("without a fault its test, or that of another one in %s, must pass: %w%s",
				m.Package, err, first(results))
		}
	})
	return 2*all.took + 10*time.Second, all.err
}

// inTurn is the order in which mutants are tried: one of each binary, then another of each. Those
// of one binary are alike, and where all workers try some that make a test hang, or wait for the
// same proof, nobody computes.
func inTurn(tried []triedMutant) []int {
	seen := map[binary]int{}
	var rounds [][]int
	for i, t := range tried {
		n := seen[t.binary()]
		seen[t.binary()]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], i)
	}
	return slices.Concat(rounds...)
}
