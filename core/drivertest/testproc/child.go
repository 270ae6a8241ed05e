package testproc

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// childEnv holds the command of a child and its arguments.
const childEnv = "ZEROBUFFER_TEST_CHILD"

// EmulatorEnv names the program that runs binaries of this platform, with its arguments, where the
// system cannot: a copy of the test binary has to be started through it, too.
const EmulatorEnv = "ZEROBUFFER_TEST_EMULATOR"

// Command is what a child does. An error is printed and makes its exit code 1.
type Command func(args []string) error

// Child is a running copy of the test binary.
type Child struct {
	*exec.Cmd
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

// Prepare returns a child that is not started yet, so that its Cmd can be changed.
func Prepare(t testing.TB, command string, args ...string) *Child {
	t.Helper()
	line := append(commandLine(t), "-test.timeout=60s")
	text, err := json.Marshal(append([]string{command}, args...))
	if err != nil {
		t.Fatal(err)
	}
	c := Program(t, exec.Command(line[0], line[1:]...))
	c.Env = append(os.Environ(), childEnv+"="+string(text))
	return c
}

// commandLine is how this test binary is started. On Linux the link works for every user and in
// every mount namespace, which the path of the file does not, but it would be that of an emulator.
func commandLine(t testing.TB) []string {
	emulator := strings.Fields(os.Getenv(EmulatorEnv))
	if runtime.GOOS == "linux" && len(emulator) == 0 {
		return []string{"/proc/self/exe"}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append(emulator, exe)
}

// Program returns another program as a child that is not started yet.
func Program(t testing.TB, cmd *exec.Cmd) *Child {
	t.Helper()
	cmd.Stderr = os.Stderr
	return &Child{t: t, Cmd: cmd}
}

// Start starts a child, which is killed at the end of the test.
func Start(t testing.TB, command string, args ...string) *Child {
	t.Helper()
	c := Prepare(t, command, args...)
	c.Begin()
	return c
}

// Begin starts a prepared child. The test is skipped where the system refuses what SysProcAttr
// asks.
func (c *Child) Begin() {
	c.t.Helper()
	err := c.start()
	for range 3 {
		if !errors.Is(err, errLostByWine) {
			break
		}
		old := c.Cmd
		c.Cmd = &exec.Cmd{
			Path: old.Path, Args: old.Args, Env: old.Env, Dir: old.Dir,
			Stderr: old.Stderr, SysProcAttr: old.SysProcAttr,
		}
		err = c.start()
	}
	refused := errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL)
	if refused && c.SysProcAttr != nil {
		c.t.Skipf("this system does not let the test start such a process: %v", err)
	} else if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.Kill)
}

// errLostByWine is ERROR_INTERNAL_ERROR of Windows: Wine 8 loses one process of some thousands
// before its first instruction, while others are killed, and says so.
const errLostByWine = syscall.Errno(1359)

// start starts the process with pipes for what it reads and says.
func (c *Child) start() error {
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	c.in, c.out = in, bufio.NewReader(out)
	return c.Start()
}

// Line reads the next line that the child says. The test fails if there is none.
func (c *Child) Line() string {
	c.t.Helper()
	text, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatalf("the child has ended (%v) after %q", err, text)
	}
	return strings.TrimSpace(text)
}

// Next reads the next line that the child says, and returns false when it has ended. Then Wait
// tells how.
func (c *Child) Next() (line string, ok bool) {
	text, err := c.out.ReadString('\n')
	return strings.TrimSpace(text), err == nil
}

// Ready waits until the child says "ready", and returns it.
func (c *Child) Ready() *Child {
	c.t.Helper()
	if line := c.Line(); line != "ready" {
		c.t.Fatalf("the child is not ready: %s", line)
	}
	return c
}

// Step lets the child go on.
func (c *Child) Step() { _, _ = io.WriteString(c.in, "\n") }

// PID is the process of the child, as the OIEB has it.
func (c *Child) PID() uint64 { return uint64(c.Process.Pid) }

// End ends the input, and waits for the child to end by itself without an error.
func (c *Child) End() {
	c.t.Helper()
	_ = c.in.Close()
	_, _ = io.Copy(io.Discard, c.out)
	if err := c.Wait(); err != nil {
		c.t.Fatal(err)
	}
}

// Kill ends the child, as SIGKILL does, and waits for it.
func (c *Child) Kill() {
	_ = c.Process.Kill()
	_ = c.Wait()
}

// Say prints a line for [Child.Line] and waits for [Child.Step]. The end of the input is one, too.
func Say(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// runChild runs the command of a child and returns its exit code.
func runChild(text string, commands map[string]Command) int {
	var args []string
	if err := json.Unmarshal([]byte(text), &args); err != nil || commands[args[0]] == nil {
		fmt.Printf("error: no command %q (%v)\n", text, err)
		return 1
	}
	if err := commands[args[0]](args[1:]); err != nil {
		fmt.Printf("error: %s: %v\n", args[0], err)
		return 1
	}
	return 0
}
