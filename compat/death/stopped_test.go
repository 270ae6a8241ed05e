//go:build linux

package death

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStoppedIsNotDeadCrossProcess stops one side for two seconds while the other one is blocked:
// that goes on waiting, and ends without an error when the stopped side goes on.
func TestStoppedIsNotDeadCrossProcess(t *testing.T) {
	t.Parallel()
	var all []*duel
	for _, c := range []struct{ kind, claims string }{
		{"posix", "ours"}, {"posix", "foreign"}, {"memfd", "ours"},
	} {
		for _, w := range []where{wheres[0], wheres[2]} {
			if w.name != "same" {
				needRoot(t)
			}
			d := newDuel(t, c.kind, c.claims, w, namesOf(func(s state) bool {
				return s.group == blocked && !s.spin
			}))
			d.round()
			all = append(all, d)
		}
	}
	time.Sleep(20 * time.Millisecond)
	for _, d := range all {
		require.NoError(t, d.victim.Process.Signal(syscall.SIGSTOP))
	}
	time.Sleep(2 * time.Second)
	for _, d := range all {
		resumed := monotonic()
		require.NoError(t, d.victim.Process.Signal(syscall.SIGCONT))
		d.victim.Step()
		t.Log(d.place.kind, d.claims, d.where.name)
		at, _ := d.ends("went-on")
		for name, when := range at {
			require.Greater(t, when, resumed, "%s of %s, %s", name, d.place.kind, d.where.name)
		}
		require.Equal(t, "went on", d.victim.Line())
		d.victim.End()
	}
}
