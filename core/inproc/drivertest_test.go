package inproc_test

import (
	"testing"

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
	})
}
