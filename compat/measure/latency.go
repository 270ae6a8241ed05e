package measure

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency collects durations and gives percentiles, with three digits. Use [NewLatency].
type Latency struct{ histogram *hdrhistogram.Histogram }

// longest is where durations are cut off.
const longest = time.Minute

// NewLatency returns an empty collection.
func NewLatency() *Latency {
	return &Latency{hdrhistogram.New(1, int64(longest), 3)}
}

// Record adds a duration; it allocates nothing.
func (l *Latency) Record(d time.Duration) {
	// The value is inside the histogram's range, so there is no error.
	_ = l.histogram.RecordValue(int64(min(max(d, 1), longest)))
}

// Count is the number of durations.
func (l *Latency) Count() int64 { return l.histogram.TotalCount() }

// At returns the duration that percent of all durations do not exceed; 0 if there are none.
func (l *Latency) At(percent float64) time.Duration {
	return time.Duration(l.histogram.ValueAtPercentile(percent))
}

// Summary is the usual choice of percentiles.
type Summary struct {
	P50  time.Duration `json:"p50_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p99.9_ns"`
}

// Summary returns the usual percentiles.
func (l *Latency) Summary() Summary {
	return Summary{l.At(50), l.At(99), l.At(99.9)}
}
