//go:build linux

package posixshm

import "testing"

// What the kernel or another program writes must never make a parser fail, whatever it is.
func FuzzParsers(f *testing.F) {
	f.Add("12 (a) b) S 1 2 3", "camera", "kamera")
	f.Add("", "a", "")
	f.Fuzz(func(t *testing.T, stat, a, b string) {
		parseStat([]byte(stat))
		parseHeader([]byte(stat[:min(len(stat), 128)]))
		if d := editDistance(a, b); d > max(len(a), len(b)) {
			t.Errorf("distance %d is too large", d)
		}
		resembles(a, b)
	})
}
