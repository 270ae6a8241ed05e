// Package drivertest is the test of a backend: one suite of cases that every backend passes. Each
// case enforces a rule of the wire contract (docs/protocol.md) and logs it; go test shows that when
// the case fails, or with -v.
//
// The cases use the backend in three ways: bare, through package driver; through a Reader and a
// Writer of package zerobuffer; and as a program of another language would, by a peer of the
// suite's own that follows the contract to the letter and nothing more.
package drivertest

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Harness is what the suite needs to know of a backend.
type Harness struct {
	// New returns a backend. Each call stands for another program; all of them see each other's
	// buffers.
	New func(t *testing.T) driver.Backend
	// DeadPID returns the PID of a process that existed and does not exist any more.
	DeadPID func(t *testing.T) uint64
	// Start starts another program that takes a role of the buffer name as [ChildCommand] does;
	// [StartChild] starts a real process.
	Start func(t *testing.T, role driver.Role, name string) Other
	// Exempt names cases whose rule this backend cannot keep, with the reason. An exempted case
	// that passes is an error, so that the list stays true.
	Exempt map[string]string
}

// testCase is one rule and how it is tried.
type testCase struct {
	name string
	rule string
	run  func(c *C)
}

// Run runs the suite as subtests of t.
func Run(t *testing.T, h Harness) {
	cases := suite()
	known := map[string]bool{}
	for _, tc := range cases {
		if known[tc.name] {
			t.Errorf("case %q is in the suite twice", tc.name)
		}
		known[tc.name] = true
		t.Run(tc.name, func(t *testing.T) {
			t.Logf("rule: %s", tc.rule)
			if reason, ok := h.Exempt[tc.name]; ok {
				runExempt(t, h, tc, reason)
				return
			}
			tc.run(newC(t, t, h, tc))
		})
	}
	for name := range h.Exempt {
		if !known[name] {
			t.Errorf("exempted case %q is not in the suite", name)
		}
	}
}

// suite is all cases, grouped by what they look at.
func suite() []testCase {
	var all []testCase
	for _, group := range [][]testCase{
		channelCases, semaphoreCases, livenessCases, writingCases, readingCases, spaceCases,
		recoveryCases, closeCases, reconnectCases, metadataCases, memoryCases, processCases,
	} {
		all = append(all, group...)
	}
	return all
}

// exemptPatience bounds what an exempted case waits for: it is expected not to come.
const exemptPatience = 2 * time.Second

// runExempt runs a case that is expected to fail.
func runExempt(t *testing.T, h Harness, tc testCase, reason string) {
	rec := &recorder{T: t}
	done := make(chan struct{})
	go func() { // Fatalf of the case ends this goroutine only
		defer close(done)
		c := newC(t, rec, h, tc)
		c.patience = exemptPatience
		tc.run(c)
	}()
	<-done
	rec.cleanup()
	if rec.failed() {
		t.Logf("exempt: %s", reason)
		return
	}
	t.Errorf("exempted (%s), but the rule holds: take it off the list", reason)
}

// reporter is what a case needs of a *testing.T.
type reporter interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	FailNow()
	Cleanup(f func())
}

// recorder notes failures instead of reporting them.
type recorder struct {
	*testing.T
	mu    sync.Mutex
	fails int
	later []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails++
	r.Logf("expected: "+format, args...)
}

func (r *recorder) FailNow() {
	r.mu.Lock()
	r.fails++
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Cleanup(f func()) { r.later = append(r.later, f) }

func (r *recorder) cleanup() {
	for _, f := range slices.Backward(r.later) {
		f()
	}
}

func (r *recorder) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fails > 0
}

// C is a case in progress.
type C struct {
	reporter
	t    *testing.T
	h    Harness
	name string
	// patience is how long eventually waits, 0 for ever.
	patience time.Duration
}

func newC(t *testing.T, rep reporter, h Harness, tc testCase) *C {
	return &C{reporter: rep, t: t, h: h, name: uniqueName(tc.name)}
}

// failf reports a broken rule and ends the case.
func (c *C) failf(format string, args ...any) {
	c.Helper()
	c.Errorf(format, args...)
	c.FailNow()
}

// must ends the case if err is not nil.
func (c *C) must(err error) {
	c.Helper()
	if err != nil {
		c.failf("unexpected error: %v", err)
	}
}

// equal ends the case if got is not want.
func equal[T comparable](c *C, what string, got, want T) {
	c.Helper()
	if got != want {
		c.failf("%s is %v, want %v", what, got, want)
	}
}
