//go:build linux

package memory

import "testing"

// What the kernel or another program writes must never make a parser fail, whatever it is.
func FuzzControlGroups(f *testing.F) {
	f.Add("4:memory:/x\n0::/../y\n", "1 2 3 /r /m rw - cgroup2 c rw\n", "MemAvailable: 1 kB\n")
	f.Add("0::", " - ", "")
	f.Fuzz(func(_ *testing.T, own, mounts, info string) {
		m := system{files{
			"/proc/self/cgroup": own, "/proc/self/mountinfo": mounts, "/proc/meminfo": info,
		}.read}
		_ = m.check(uint64(len(info)))
	})
}
