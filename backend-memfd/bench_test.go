//go:build linux

package memfdshm

import (
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func BenchmarkBackend(b *testing.B) {
	opts := &Options{Dir: b.TempDir()}
	drivertest.Bench(b, New(opts), New(opts))
}
