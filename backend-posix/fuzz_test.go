//go:build linux

package posixshm

import "testing"

// What the kernel or another program writes must never make a parser fail, whatever it is.
func FuzzParsers(f *testing.F) {
	f.Add("12 (a) b) S 1 2 3")
	f.Add("")
	f.Fuzz(func(_ *testing.T, stat string) {
		parseStat([]byte(stat))
		parseHeader([]byte(stat[:min(len(stat), 128)]))
	})
}
