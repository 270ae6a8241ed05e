package inproc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

func TestConformance(t *testing.T) {
	m := inproc.NewMachine()
	drivertest.Run(t, drivertest.Harness{
		New: func(*testing.T) driver.Backend { return m.Process() },
		DeadPID: func(*testing.T) uint64 {
			p := m.Process()
			p.Kill()
			return p.PID()
		},
		Start: func(t *testing.T, role driver.Role, name string) drivertest.Other {
			p := m.Process()
			require.NoError(t, drivertest.TakeRole(t, p, role, name))
			return drivertest.Other{PID: p.PID(), Kill: p.Kill}
		},
	})
}
