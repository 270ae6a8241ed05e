//go:build linux

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// watchdog is how long anything may take before it is killed as hung. It is no requirement.
const watchdog = 90 * time.Second

// need returns the value of an environment variable that `go tool mage interop` sets. Without it
// the test is skipped, or fails where nothing may be skipped.
func need(t *testing.T, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value != "" {
		return value
	}
	text := variable + " is not set: run `go tool mage interop`, which installs the peers"
	if os.Getenv("ZEROBUFFER_NOSKIP") == "1" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// args are the arguments of a command of testdata/peer.py.
type args map[string]any

// reply is what a command returns; the fields that it does not return are zero.
type reply struct {
	Error string `json:"error"`
	Text  string `json:"text"`

	Event     string   `json:"event"`
	PID       int      `json:"pid"`
	Frames    int      `json:"frames"`
	Ends      []uint64 `json:"ends"`
	Ended     string   `json:"ended"`
	Metadata  []byte   `json:"metadata"`
	Hashes    []string `json:"hashes"`
	Connected bool     `json:"connected"`

	Free     uint64 `json:"free"`
	WritePos uint64 `json:"write_pos"`
	ReadPos  uint64 `json:"read_pos"`
}

// peer is a running testdata/peer.py.
type peer struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *json.Decoder
	stderr bytes.Buffer
	ended  bool
	PID    int
}

// startPeer starts a Python process; it ends with the test.
func startPeer(t *testing.T) *peer {
	t.Helper()
	return startPeerWith(t, nil)
}

// startPeerWith starts one with the given attributes, such as a PID namespace of its own.
func startPeerWith(t *testing.T, attr *syscall.SysProcAttr) *peer {
	t.Helper()
	python := need(t, "ZEROBUFFER_PYTHON")
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	p := &peer{t: t, cmd: exec.CommandContext(ctx, python, "testdata/peer.py")}
	p.cmd.SysProcAttr = attr
	p.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.in, p.out = in, json.NewDecoder(out)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.stop(); cancel() })
	p.PID = p.recv().PID
	return p
}

// send gives a command and does not wait for its end.
func (p *peer) send(command string, a args) {
	p.t.Helper()
	request := args{"cmd": command}
	maps.Copy(request, a)
	p.line(request)
}

// line writes one line of JSON.
func (p *peer) line(request any) {
	p.t.Helper()
	line, err := json.Marshal(request)
	require.NoError(p.t, err)
	_, err = p.in.Write(append(line, '\n'))
	require.NoError(p.t, err, "peer %d: %s", p.PID, &p.stderr)
}

// try waits for the reply to the oldest command and returns it, failed or not.
func (p *peer) try() reply {
	p.t.Helper()
	var r reply
	if err := p.out.Decode(&r); err != nil {
		p.stop()
		p.t.Fatalf("peer %d gave no reply: %v\n%s", p.PID, err, &p.stderr)
	}
	return r
}

// recv is try for a command that must not fail.
func (p *peer) recv() reply {
	p.t.Helper()
	r := p.try()
	if r.Error != "" {
		p.t.Fatalf("peer: %s: %s", r.Error, r.Text)
	}
	return r
}

// call gives a command that must not fail, and waits for its reply.
func (p *peer) call(command string, a args) reply {
	p.t.Helper()
	p.send(command, a)
	return p.recv()
}

// fails gives a command that must raise the given exception.
func (p *peer) fails(command string, a args, exception string) reply {
	p.t.Helper()
	p.send(command, a)
	r := p.try()
	require.Equal(p.t, exception, r.Error, "peer: %s %v: %s", command, a, r.Text)
	return r
}

// within lets the peer report to a subtest while f runs, and gives it back.
func (p *peer) within(t *testing.T, f func()) {
	t.Helper()
	before := p.t
	p.t = t
	defer func() { p.t = before }()
	f()
}

// kill ends the process by SIGKILL and waits until it is gone: a zombie is alive to its peers.
func (p *peer) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	p.ended = true
	_ = p.cmd.Wait()
}

// stop ends the process by the end of its input, and shows what it complained about.
func (p *peer) stop() {
	if p.ended {
		return
	}
	p.ended = true
	_ = p.in.Close()
	if p.t.Failed() {
		_ = p.cmd.Process.Kill() // it may be blocked in a read that cannot be cancelled
	}
	err := p.cmd.Wait()
	if p.t.Failed() {
		p.t.Logf("peer %d: %v\n%s", p.PID, err, &p.stderr)
	} else if err != nil {
		p.t.Errorf("peer %d: %v\n%s", p.PID, err, &p.stderr)
	}
}

func (r reply) String() string {
	return fmt.Sprintf("free %d, write_pos %d, read_pos %d", r.Free, r.WritePos, r.ReadPos)
}
