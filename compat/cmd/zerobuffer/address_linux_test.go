package main

import (
	"encoding/json"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

// addresses returns one of each kind, for buffers of this test alone.
func addresses(t *testing.T) map[string]string {
	return map[string]string{
		"default":        newName(),
		"posix":          "posix:" + newName(),
		"memfd":          "memfd:" + newName(),
		"memfd-dir":      "memfd:" + t.TempDir() + "/" + newName(),
		"memfd-abstract": "memfd:@" + newName(),
	}
}

// transfer is what the JSON of a command says about a transfer.
type transfer struct {
	BufferName   string   `json:"buffer_name"`
	InputBuffer  string   `json:"input_buffer"`
	OutputBuffer string   `json:"output_buffer"`
	Written      int      `json:"frames_written"`
	Read         int      `json:"frames_read"`
	Relayed      int      `json:"frames_relayed"`
	SHA256       string   `json:"sha256"`
	Errors       []string `json:"errors"`
}

func (p *process) transfer() transfer {
	p.t.Helper()
	var got transfer
	require.NoError(p.t, json.Unmarshal(p.stdout.Bytes(), &got), p.stdout.String())
	require.Empty(p.t, got.Errors)
	return got
}

func TestCrossProcessAddresses(t *testing.T) {
	for kind, address := range addresses(t) {
		t.Run(kind, func(t *testing.T) {
			r := spawn(t, nil, "reader", address, small, "-n", "-1", "--verify", "sequential",
				"--json-output")
			w := spawn(t, nil, "writer", address, "-n", "500", "--json-output")
			w.exits(exitOK)
			r.exits(exitOK)
			got := r.transfer()
			require.Equal(t, 500, got.Read)
			require.Equal(t, 500, w.transfer().Written)
			require.Equal(t, address, got.BufferName, "what the user has typed")
			require.Equal(t, address, w.transfer().BufferName)
			require.Empty(t, leftovers())
			if dir, ok := strings.CutPrefix(path.Dir(address), "memfd:"); ok {
				entries, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Empty(t, entries)
			}
		})
	}
}

// Two addresses that differ in nothing but the backend are two buffers.
func TestCrossProcessRelayBetweenBackends(t *testing.T) {
	for _, c := range [][2]string{{"posix:", "memfd:"}, {"memfd:@", "posix:"}} {
		name := newName()
		in, out := c[0]+name, c[1]+name
		r := spawn(t, nil, "reader", out, small, "-n", "-1", "--verify", "sequential", "--hash",
			"--json-output")
		relay := spawn(t, nil, "relay", in, out, small, "--json-output")
		w := spawn(t, nil, "writer", in, "-n", "2000", "-s", "999", "--json-output")
		w.exits(exitOK)
		relay.exits(exitOK)
		r.exits(exitOK)
		got := relay.transfer()
		require.Equal(t, transfer{
			BufferName: in, InputBuffer: in, OutputBuffer: out, Relayed: 2000, Errors: []string{},
		}, got)
		require.Equal(t, 2000, r.transfer().Read)
	}
}

func TestRelayToItself(t *testing.T) {
	for _, out := range []string{"a", native.Default() + ":a"} {
		code, _, stderr := call(t, "relay", "a", out)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "different")
	}
}

func TestBackendOfAnotherPlatform(t *testing.T) {
	for _, args := range [][]string{
		{"reader", "win:a"}, {"writer", "win:a"}, {"relay", "win:a", "b"}, {"relay", "a", "win:b"},
	} {
		code, stdout, stderr := call(t, args...)
		require.Equal(t, exitUsage, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "which has "+native.Default())
	}
}

// The hints of errors name the buffer in the way that the user did.
func TestHintsHaveTheAddress(t *testing.T) {
	address := "memfd:" + t.TempDir() + "/camera"
	code, _, stderr := call(t, "writer", address, "--timeout-ms", "20")
	require.Equal(t, exitConnect, code)
	require.Contains(t, stderr, "zerobuffer reader "+address)
}
