package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

// process is the command in a process of its own.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// spawn runs a command line in a process of its own, which is killed when a test hangs.
func spawn(t *testing.T, configure func(*exec.Cmd), args ...string) *process {
	t.Helper()
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if configure != nil {
		configure(p.cmd)
	}
	require.NoError(t, p.cmd.Start())
	return p
}

func (p *process) exits(code int) {
	p.t.Helper()
	_ = p.cmd.Wait() // the exit code says it all
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("%v: exit code %d (%s), want %d\nstdout: %s\nstderr: %s", p.cmd.Args,
			got, p.cmd.ProcessState, code, &p.stdout, &p.stderr)
	}
}

func TestCrossProcessWriterToReader(t *testing.T) {
	name := newName()
	r := spawn(t, nil, "reader", name, small, "-n", "-1", "--verify", "sequential", "--json-output")
	w := spawn(t, nil, "writer", name, "-n", "5000", "--json-output")
	w.exits(exitOK)
	r.exits(exitOK)
	var got struct {
		FramesRead int `json:"frames_read"`
	}
	require.NoError(t, json.Unmarshal(r.stdout.Bytes(), &got))
	require.Equal(t, 5000, got.FramesRead)
}

// The raw frames of a pipe come out of a pipe on the other side of the buffer.
func TestCrossProcessPipes(t *testing.T) {
	name := newName()
	raw := bytes.Repeat([]byte("0123456789abcdef"), 6000)
	r := spawn(t, nil, "reader", name, "--output", "-")
	w := spawn(t, func(c *exec.Cmd) { c.Stdin = bytes.NewReader(raw) },
		"writer", name, "--stdin", "--video", "20x20", "--pixel-format", "yuv420p")
	w.exits(exitOK)
	r.exits(exitOK)
	require.True(t, bytes.Equal(raw, r.stdout.Bytes()))
}

func TestCrossProcessPeerIsKilled(t *testing.T) {
	for _, victim := range []string{"writer", "reader"} {
		t.Run(victim, func(t *testing.T) {
			name, file := newName(), tempFile(t)
			r := spawn(t, nil, "reader", name, small, "--timeout-ms", "0", "--output", file)
			w := spawn(t, nil, "writer", name, "-n", "-1", "--delay-ms", "1")
			require.Eventually(t, func() bool {
				info, err := os.Stat(file)
				return err == nil && info.Size() > 0
			}, time.Minute, time.Millisecond)
			killed, survivor := w, r
			if victim == "reader" {
				killed, survivor = r, w
			}
			require.NoError(t, killed.cmd.Process.Kill())
			_ = killed.cmd.Wait() // it was killed
			survivor.exits(exitTransfer)
			require.Contains(t, survivor.stderr.String(), "dead")

			// The next reader takes the place of a killed one, and cleans up.
			code, _, stderr := call(t, "reader", name, small, "--timeout-ms", "1")
			require.Equal(t, exitTransfer, code, stderr)
			require.Empty(t, leftovers())
		})
	}
}
