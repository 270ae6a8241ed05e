package memfdshm

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func TestConformance(t *testing.T) { conformance(t, t.TempDir()) }

func TestConformanceAbstract(t *testing.T) { conformance(t, "@") }

// A path that is longer than the address of a socket may be.
func TestConformanceLongPath(t *testing.T) {
	conformance(t, filepath.Join(t.TempDir(), strings.Repeat("d", 150)))
}

func conformance(t *testing.T, place string) {
	drivertest.Run(t, drivertest.Harness{
		New: func(*testing.T) driver.Backend { return backendAt(place) },
		DeadPID: func(t *testing.T) uint64 {
			c := testproc.Start(t, "ends")
			require.NoError(t, c.Wait())
			return c.PID()
		},
		Start: func(t *testing.T, role driver.Role, name string) drivertest.Other {
			return drivertest.StartChild(t, "side", role, name, place)
		},
	})
}
