//go:build linux

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// commandDir holds our command, built once for all tests that need it.
var commandDir string

var buildCommand = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "zerobuffer-interop-")
	if err != nil {
		return "", err
	}
	commandDir = dir
	program := filepath.Join(dir, "zerobuffer")
	out, err := exec.Command("go", "build", "-o", program, "../cmd/zerobuffer").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// removeCommand is called when all tests are done.
func removeCommand() {
	if commandDir != "" {
		_ = os.RemoveAll(commandDir)
	}
}

// report is what the command lines of ours and of the peer print as JSON.
type report struct {
	Operation          string   `json:"operation"`
	BufferName         string   `json:"buffer_name"`
	FramesWritten      int      `json:"frames_written"`
	FramesRead         int      `json:"frames_read"`
	FrameSize          int      `json:"frame_size"`
	VerificationErrors int      `json:"verification_errors"`
	Errors             []string `json:"errors"`
}

// tool is a running command line.
type tool struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

func startTool(t *testing.T, program string, arguments ...string) *tool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	t.Cleanup(cancel)
	c := &tool{t: t, cmd: exec.CommandContext(ctx, program, arguments...)}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	require.NoError(t, c.cmd.Start())
	return c
}

// ours starts `zerobuffer ...`, for a test that meets the peer's command line: without it there is
// nothing to start.
func ours(t *testing.T, arguments ...string) *tool {
	t.Helper()
	need(t, "ZEROBUFFER_PYTHON")
	program, err := buildCommand()
	require.NoError(t, err)
	return startTool(t, program, append(arguments, "--json-output")...)
}

// theirs starts `python -m zerobuffer.cross_platform ...`.
func theirs(t *testing.T, arguments ...string) *tool {
	t.Helper()
	all := append([]string{"-m", "zerobuffer.cross_platform"}, arguments...)
	return startTool(t, need(t, "ZEROBUFFER_PYTHON"), append(all, "--json-output")...)
}

// wait returns the report and the exit code.
func (c *tool) wait() (report, int) {
	c.t.Helper()
	err := c.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("%v: %v", c.cmd.Args, err)
	}
	var r report
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		c.t.Fatalf("%v: %v\n%s\n%s", c.cmd.Args, err, &c.stdout, &c.stderr)
	}
	return r, c.cmd.ProcessState.ExitCode()
}

// waitForBuffer waits for a reader: the peer's writer does not.
func waitForBuffer(t *testing.T, name string) {
	t.Helper()
	ctx := watched(t)
	for !exists(name, "segment") {
		require.NoError(t, ctx.Err(), "buffer %s did not appear", name)
		time.Sleep(time.Millisecond)
	}
}

// pass waits for both command lines and compares their reports with what was asked for.
func pass(t *testing.T, writer, reader *tool, name string, size, n int) {
	t.Helper()
	wrote, code := writer.wait()
	require.Zero(t, code, "writer: %v\n%s", wrote.Errors, &writer.stderr)
	read, code := reader.wait()
	require.Zero(t, code, "reader: %v\n%s", read.Errors, &reader.stderr)
	want := report{Operation: "write", BufferName: name, FrameSize: size, Errors: []string{}}
	want.FramesWritten = n
	require.Empty(t, cmp.Diff(want, wrote))
	want.Operation, want.FramesWritten, want.FramesRead = "read", 0, n
	require.Empty(t, cmp.Diff(want, read))
}

// The peer's reader makes a ring of 1 MiB and holds each frame until it has the next one, so no
// frame here is over half of that. Its verification is a loop over bytes: few large frames.
func TestPythonReaderCommand(t *testing.T) {
	for _, size := range frameSizes[:len(frameSizes)-1] {
		t.Run(fmt.Sprintf("frame-%d", size), func(t *testing.T) {
			name := newName(t, pythonLeaves...)
			n := max(5, min(500, 3000000/size))
			s, frames := strconv.Itoa(size), strconv.Itoa(n)
			reader := theirs(t, "reader", name, "-n", frames, "-s", s, "--verify", "sequential",
				"--timeout-ms", "60000")
			writer := ours(t, "writer", name, "-n", frames, "-s", s, "-m", "caps")
			pass(t, writer, reader, name, size, n)
		})
	}
}

func TestPythonWriterCommand(t *testing.T) {
	for _, size := range frameSizes {
		t.Run(fmt.Sprintf("frame-%d", size), func(t *testing.T) {
			name := newName(t)
			n := max(5, min(500, 3000000/size))
			s, frames := strconv.Itoa(size), strconv.Itoa(n)
			reader := ours(t, "reader", name, "-n", frames, "-s", s, "--verify", "sequential",
				"--buffer-size", strconv.Itoa(max(8192, 3*size)), "--timeout-ms", "60000")
			waitForBuffer(t, name)
			writer := theirs(t, "writer", name, "-n", frames, "-s", s, "-m", "caps")
			pass(t, writer, reader, name, size, n)
		})
	}
}

// The writer closes after fewer frames than the reader wants: the reader has them all and says so.
func TestPythonWriterCommandEndsEarly(t *testing.T) {
	name := newName(t)
	reader := ours(t, "reader", name, "-n", "-1", "-s", "1000", "--verify", "sequential",
		"--buffer-size", "65536")
	waitForBuffer(t, name)
	writer := theirs(t, "writer", name, "-n", "300", "-s", "1000")
	pass(t, writer, reader, name, 1000, 300)
}

// Two commands of ours agree with the peer's pattern, so a relay of ours may stand between.
func TestPythonCommandsWithRelay(t *testing.T) {
	in, out := newName(t), newName(t, pythonLeaves...)
	reader := theirs(t, "reader", out, "-n", "300", "-s", "1000", "--verify", "sequential",
		"--timeout-ms", "60000")
	waitForBuffer(t, out)
	relay := ours(t, "relay", in, out, "-n", "300")
	waitForBuffer(t, in)
	writer := theirs(t, "writer", in, "-n", "300", "-s", "1000")
	wrote, code := writer.wait()
	require.Zero(t, code, wrote.Errors)
	_, code = relay.wait()
	require.Zero(t, code, &relay.stderr)
	read, code := reader.wait()
	require.Zero(t, code, read.Errors)
	require.Equal(t, 300, read.FramesRead)
}
