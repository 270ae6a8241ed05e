// Package profile writes CPU profiles of the two processes of a benchmark.
package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// Names of the two sides, for [Start].
const (
	Reader = "reader"
	Writer = "writer"
)

// Start begins a CPU profile of this process; stop ends it and writes dir/NAME.pprof, for
// "go tool pprof". The directory is made if it is not there, and a file of that name is replaced.
// Without a directory nothing is profiled, and stop does nothing.
//
// A process can make one profile at a time: what runs in one process is in one profile.
func Start(dir, name string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("place profile: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, name+".pprof"))
	if err != nil {
		return nil, fmt.Errorf("place profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("start profile: %w", err), f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
		return nil
	}, nil
}
