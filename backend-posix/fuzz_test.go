//go:build linux

package posixshm

import "testing"

// What the kernel or another program writes must never make a parser fail, whatever it is.
func FuzzParsers(f *testing.F) {
	f.Add("12 (a) b) S 1 2 3", "4:memory:/x\n0::/../y\n", "1 2 3 /r /m rw - cgroup2 c rw\n")
	f.Add("", "0::", " - ")
	f.Fuzz(func(t *testing.T, stat, own, mounts string) {
		parseStat([]byte(stat))
		parseHeader([]byte(stat[:min(len(stat), 128)]))
		m := memory{files{
			"/proc/self/cgroup": own, "/proc/self/mountinfo": mounts, "/proc/meminfo": stat,
		}.read}
		_ = m.check(uint64(len(stat)))
		if d := editDistance(own, mounts); d > max(len(own), len(mounts)) {
			t.Errorf("distance %d is too large", d)
		}
		resembles(own, mounts)
	})
}
