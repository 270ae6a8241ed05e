//go:build linux

package death

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// lastPID is the number after which this PID namespace gives the next one away.
const lastPID = "/proc/sys/kernel/ns_last_pid"

// boxed COMMAND...: runs a command as what a container has as its first process: with mounts and a
// /proc of its own.
func boxed(args []string) error {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", 0, "")
	}
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return commands()[args[0]](args[1:])
}

// nested COMMAND...: the same as a child of that process, with a PID above 500.
func nested(args []string) error {
	text, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if err := os.WriteFile(lastPID, []byte("500"), 0); err != nil {
		return err
	}
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), "ZEROBUFFER_TEST_CHILD="+string(text))
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c.Run()
}

// gated COMMAND...: runs a command when a byte comes from descriptor 3, and not without.
func gated(args []string) error {
	if n, _ := os.NewFile(3, "gate").Read(make([]byte, 1)); n == 0 {
		return errors.New("nobody has opened the gate")
	}
	return commands()[args[0]](args[1:])
}

// withPID starts a child that gets the given number, which no process has. It needs a PID namespace
// of its own, where nobody else starts processes all the time. It returns nil if a new thread of
// some process was faster, which then has the number for long.
func withPID(t *testing.T, pid uint64, args ...string) *testproc.Child {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	c := testproc.Prepare(t, "gated", args...)
	c.ExtraFiles = []*os.File{r}
	last := strconv.FormatUint(pid-1, 10)
	require.NoError(t, os.WriteFile(lastPID, []byte(last), 0))
	c.Begin()
	require.NoError(t, r.Close())
	if c.PID() != pid {
		c.Kill()
		return nil
	}
	_, err = w.Write([]byte{1})
	require.NoError(t, err)
	return c
}

// tries is how often a test may begin anew because withPID was too slow.
const tries = 20

// until repeats a test that needs luck until it had some.
func until(t *testing.T, times int, try func() (done bool)) {
	t.Helper()
	for range tries {
		if try() {
			times--
		}
		if times == 0 {
			return
		}
	}
	t.Fatal("no process has got the number that it should have")
}
