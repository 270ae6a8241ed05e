package posixshm

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func TestConformance(t *testing.T) { conform(t, Glibc) }

// The same with semaphores for programs that are linked with musl.
func TestConformanceMusl(t *testing.T) { conform(t, Musl) }

func conform(t *testing.T, library CLibrary) {
	drivertest.Run(t, drivertest.Harness{
		New: func(*testing.T) driver.Backend {
			return New(&Options{CLibrary: library})
		},
		DeadPID: func(t *testing.T) uint64 {
			c := testproc.Start(t, "ends")
			require.NoError(t, c.Wait())
			return c.PID()
		},
		Start: func(t *testing.T, role driver.Role, name string) drivertest.Other {
			return drivertest.StartChild(t, "side", role, name, strconv.Itoa(int(library)))
		},
	})
}
