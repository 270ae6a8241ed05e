//go:build !unix

package build

import (
	"os/exec"
	"time"
)

// killWithChildren leaves the default: cancellation kills the program alone.
func killWithChildren(cmd *exec.Cmd) (ended func()) {
	cmd.WaitDelay = 5 * time.Second
	return func() {}
}
