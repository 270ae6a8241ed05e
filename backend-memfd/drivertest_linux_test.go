package memfdshm_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	memfdshm "github.com/zerobuffer-go/zerobuffer/backend-memfd"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func TestConformance(t *testing.T) { conformance(t, &memfdshm.Options{Dir: t.TempDir()}) }

func TestConformanceAbstract(t *testing.T) { conformance(t, &memfdshm.Options{Abstract: true}) }

// A path that is longer than the address of a socket may be.
func TestConformanceLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 150))
	conformance(t, &memfdshm.Options{Dir: dir})
}

func conformance(t *testing.T, opts *memfdshm.Options) {
	drivertest.Run(t, drivertest.Harness{
		New: func(*testing.T) driver.Backend { return memfdshm.New(opts) },
		DeadPID: func(t *testing.T) uint64 {
			c := testproc.Start(t, "ends")
			require.NoError(t, c.Wait())
			return c.PID()
		},
	})
}
