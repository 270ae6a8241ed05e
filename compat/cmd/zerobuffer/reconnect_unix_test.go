//go:build unix

package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Reader processes are killed one after the other; the writer process goes on with each next one,
// and ends well with the last.
func TestCrossProcessReconnect(t *testing.T) {
	name := newName()
	reader := func() (*process, string) {
		file := tempFile(t)
		return spawn(t, nil, "reader", name, small, "--timeout-ms", "0", "--output", file), file
	}
	reads := func(file string) {
		t.Helper()
		require.Eventually(t, func() bool {
			info, err := os.Stat(file)
			return err == nil && info.Size() > 0
		}, time.Minute, time.Millisecond)
	}
	r, file := reader()
	w := spawn(t, nil, "writer", name, "-n", "-1", "-s", "100", "--delay-ms", "1",
		"--reconnect", "--linger-ms", "0", "--timeout-ms", "30000", "--json-output")
	for range 3 {
		reads(file)
		require.NoError(t, r.cmd.Process.Kill())
		_ = r.cmd.Wait() // it was killed
		r, file = reader()
	}
	reads(file)
	require.NoError(t, w.cmd.Process.Signal(os.Interrupt))
	w.exits(exitOK)
	r.exits(exitOK)
	var got struct {
		Reconnects uint64 `json:"reconnects"`
	}
	require.NoError(t, json.Unmarshal(w.stdout.Bytes(), &got))
	require.EqualValues(t, 3, got.Reconnects)
	require.Empty(t, leftovers())
}
