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
// first, so that a nested mage ends the groups that it made. It is killed after a grace, or when
// the program has ended, which the caller tells by calling ended.
func killWithChildren(cmd *exec.Cmd) (ended func()) {
	kill := func() {}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		timer := time.AfterFunc(grace, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
		kill = func() {
			timer.Stop()
			_ = syscall.Kill(group, syscall.SIGKILL)
		}
		return syscall.Kill(group, syscall.SIGINT)
	}
	cmd.WaitDelay = grace + 2*time.Second
	return func() { kill() }
}
