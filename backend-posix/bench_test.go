//go:build linux

package posixshm

import (
	"testing"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func BenchmarkBackend(b *testing.B) {
	opts := &Options{TempDir: b.TempDir()}
	drivertest.Bench(b, New(opts), New(opts))
}
