// Package measure has what the benchmarks and examples share: a clock that two processes can
// compare, percentiles, numbers for people, and a second process of the same program. It belongs
// to the tools of this module; its API is not stable.
package measure

import (
	"fmt"
	"strconv"
	"time"
)

// Count formats n with commas: 3,110,400.
func Count(n int64) string {
	if n < 0 {
		return "-" + Count(-n)
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes formats a size: bytes up to 10,000, else in units of 1024.
func Bytes(n int64) string {
	if n < 10_000 {
		return Count(n) + " B"
	}
	value, unit := float64(n), 0
	for value >= 1024 && unit < 5 {
		value /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", value, "-KMGTP"[unit])
}

// Duration formats a time with three digits: 830 ns, 12.3 µs, 4.56 ms.
func Duration(d time.Duration) string {
	value, unit := float64(d), "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if value < 999.5 {
			break
		}
		value /= 1000
		unit = next
	}
	switch {
	case unit == "ns" || value >= 99.95:
		return fmt.Sprintf("%.0f %s", value, unit)
	case value >= 9.995:
		return fmt.Sprintf("%.1f %s", value, unit)
	default:
		return fmt.Sprintf("%.2f %s", value, unit)
	}
}
