//go:build linux

package memory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// BenchmarkTune tells what an option costs when a side is set up, and what the first and a later
// lap through a reserved ring of 64 MiB cost with it. A lap writes 8 bytes of each page.
func BenchmarkTune(b *testing.B) {
	const size, step = 64 << 20, 4096
	for name, o := range map[string]driver.MemoryOptions{
		"nothing":    {},
		"prefault":   {Prefault: true},
		"huge-pages": {HugePages: true},
		"lock":       {Lock: true},
	} {
		b.Run("with="+name, func(b *testing.B) {
			var tune, first, later time.Duration
			lap := func(mem []byte) time.Duration {
				start := time.Now()
				for at := 0; at < size; at += step {
					copy(mem[at:], "12345678")
				}
				return time.Since(start)
			}
			for b.Loop() {
				f, mem := shared(b, size)
				start := time.Now()
				st := Tune(mem, o)
				tune += time.Since(start)
				require.Empty(b, st.Refused)
				first += lap(mem)
				later += lap(mem)
				require.NoError(b, f.Truncate(0)) // gives the memory back before the end
			}
			for unit, d := range map[string]time.Duration{
				"tune-µs": tune, "first-lap-µs": first, "later-lap-µs": later,
			} {
				b.ReportMetric(float64(d.Microseconds())/float64(b.N), unit)
			}
		})
	}
}
