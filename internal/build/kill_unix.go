//go:build unix

package build

import (
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a program may take to end its own children after it was interrupted.
const grace = 8 * time.Second

// killWithChildren makes cancellation reach the whole process group: test binaries that "go test"
// started, and the peers that those started, would live on otherwise. The group is interrupted
// first, so that a nested mage ends the groups that it made, and killed after a grace. The caller
// calls stop when the program has ended.
func killWithChildren(cmd *exec.Cmd) (stop func()) {
	timer := time.NewTimer(0)
	timer.Stop()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		timer = time.AfterFunc(grace, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
		return syscall.Kill(group, syscall.SIGINT)
	}
	cmd.WaitDelay = grace + 2*time.Second
	return func() { timer.Stop() }
}
