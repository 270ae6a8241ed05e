package main

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/internal/pattern"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// openTestWriter connects to the buffer of a command that is being started.
func openTestWriter(t *testing.T, name string) *zerobuffer.Writer {
	t.Helper()
	w, err := zerobuffer.OpenWriter(context.Background(), backend, name, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// writePattern writes n frames of the sequential pattern.
func writePattern(t *testing.T, w *zerobuffer.Writer, n, size int) {
	t.Helper()
	frame := make([]byte, size)
	for i := range n {
		pattern.Sequential.Fill(frame, uint64(i))
		require.NoError(t, w.WriteFrame(context.Background(), frame))
	}
}

func TestReaderJSON(t *testing.T) {
	name := newName()
	r := start(t, nil, "reader", name, small, "-n", "2", "--verify", "sequential",
		"--checksum", "--json-output")
	w := openTestWriter(t, name)
	require.NoError(t, w.SetMetadata([]byte("hello")))
	writePattern(t, w, 2, 100)
	got := r.exits(exitOK).json()
	for _, measured := range []string{"duration_seconds", "throughput_mbps"} {
		if runtime.GOOS == "windows" { // its clock may not tick between two frames
			require.GreaterOrEqual(t, got[measured], 0.0)
		} else {
			require.Greater(t, got[measured], 0.0)
		}
		delete(got, measured)
	}
	all := sha256.New()
	var sums []any
	for i := range 2 {
		frame := make([]byte, 100)
		pattern.Sequential.Fill(frame, uint64(i))
		all.Write(frame)
		sum := md5.Sum(frame)
		sums = append(sums, map[string]any{
			"frame": float64(i), "checksum": hex.EncodeToString(sum[:]),
		})
	}
	want := map[string]any{
		"operation": "read", "buffer_name": name, "frames_read": 2.0, "frame_size": 100.0,
		"metadata_size": 5.0, "verification_errors": 0.0, "errors": []any{},
		"checksums": sums, "sha256": hex.EncodeToString(all.Sum(nil)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	require.Empty(t, r.stderr.String())
}

func TestReaderListsAHundredChecksums(t *testing.T) {
	name := newName()
	r := start(t, nil, "reader", name, small, "-n", "150", "--checksum", "--batch-size", "8",
		"--json-output")
	writePattern(t, openTestWriter(t, name), 150, 10)
	require.Len(t, r.exits(exitOK).json()["checksums"], 100)
}

func TestReaderReadsAllUntilTheWriterCloses(t *testing.T) {
	for _, batch := range []string{"1", "5"} {
		name := newName()
		r := start(t, nil, "reader", name, small, "-n", "-1", "--hash", "--batch-size", batch)
		w := openTestWriter(t, name)
		writePattern(t, w, 321, 1000)
		require.NoError(t, w.Close())
		r.exits(exitOK)
		require.Contains(t, r.stdout.String(), "Read 321 frames")
		require.Contains(t, r.stdout.String(), "SHA-256 of all frames: ")
	}
}

func TestReaderWithWriterCommand(t *testing.T) {
	name := newName()
	r := start(t, nil, "reader", name, "--verify", "random", "-s", "5000", "--buffer-size", "1MiB",
		"--metadata-size", "0", "-v")
	w := start(t, nil, "writer", name, "--pattern", "random", "-s", "5000")
	w.exits(exitOK)
	r.exits(exitOK)
	require.Contains(t, r.stdout.String(), "Read 1,000 frames")
	require.Contains(t, r.stderr.String(), "level=")
}

func TestReaderVerificationFails(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"pattern": {[]string{"--verify", "zero"}, "byte 1 is 0x01, pattern zero wants 0x00"},
		"size":    {[]string{"-s", "99"}, "it has 100 bytes, --size says 99"},
	} {
		t.Run(name, func(t *testing.T) {
			buffer := newName()
			args := append([]string{"reader", buffer, small, "-n", "3", "--json-output"}, c.args...)
			r := start(t, nil, args...)
			writePattern(t, openTestWriter(t, buffer), 3, 100)
			got := r.exits(exitVerify).json()
			require.Equal(t, 3.0, got["frames_read"])
			require.Equal(t, 3.0, got["verification_errors"])
			require.Len(t, got["errors"], 4)
			require.Contains(t, r.stderr.String(), "3 of 3 frames are wrong")
			require.Contains(t, r.stderr.String(), c.want)
		})
	}
}

func TestReaderTimesOut(t *testing.T) {
	code, stdout, stderr := call(t, "reader", newName(), small, "--timeout-ms", "30",
		"--json-output")
	require.Equal(t, exitTransfer, code)
	require.Contains(t, stderr, "start a writer")
	require.Contains(t, stdout, `"frames_read": 0`)

	name := newName()
	r := start(t, nil, "reader", name, small, "-n", "5", "--timeout-ms", "100")
	writePattern(t, openTestWriter(t, name), 2, 10)
	r.exits(exitTransfer)
	require.Contains(t, r.stderr.String(), "frame 3 of 5")
	require.Contains(t, r.stdout.String(), "Read 2 frames")
}

func TestReaderGetsFewerThanItWants(t *testing.T) {
	name := newName()
	r := start(t, nil, "reader", name, small, "-n", "5")
	w := openTestWriter(t, name)
	writePattern(t, w, 2, 10)
	require.NoError(t, w.Close())
	r.exits(exitTransfer)
	require.Contains(t, r.stderr.String(), "frame 3 of 5")
}

func TestReaderOutput(t *testing.T) {
	file := tempFile(t)
	name := newName()
	r := start(t, nil, "reader", name, small, "--output", file)
	w := openTestWriter(t, name)
	for _, text := range []string{"aa", "bbb"} {
		require.NoError(t, w.WriteFrame(context.Background(), []byte(text)))
	}
	require.NoError(t, w.Close())
	r.exits(exitOK)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "aabbb", string(got))
	require.Contains(t, r.stdout.String(), "Read 2 frames")

	name = newName()
	r = start(t, nil, "reader", name, small, "-o", "-")
	w = openTestWriter(t, name)
	require.NoError(t, w.WriteFrame(context.Background(), []byte("pixels")))
	require.NoError(t, w.Close())
	r.exits(exitOK)
	require.Equal(t, "pixels", r.stdout.String())
	require.Contains(t, r.stderr.String(), "Read 1 frames")
}

func TestReaderOutputFails(t *testing.T) {
	name := newName()
	done := make(chan int, 1)
	go func() {
		done <- runWith(context.Background(), resolve,
			[]string{"reader", name, small, "-o", "-"}, nil, brokenPipe{}, io.Discard)
	}()
	require.NoError(t, openTestWriter(t, name).WriteFrame(context.Background(), []byte("x")))
	require.Equal(t, exitTransfer, <-done)
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestReaderOfANameInUse(t *testing.T) {
	_, name := newTestReader(t, 4096)
	code, _, stderr := call(t, "reader", name, small)
	require.Equal(t, exitConnect, code)
	require.Contains(t, stderr, "another name")
}

func TestReaderWithoutSpace(t *testing.T) {
	if native.Supported() != nil {
		t.Skip("the backend inside a process has no limit")
	}
	code, _, stderr := call(t, "reader", newName(), "--buffer-size", "100TiB")
	require.Equal(t, exitConnect, code)
	require.Contains(t, stderr, "--buffer-size 16MiB")
}

func TestReaderInterrupted(t *testing.T) {
	for frames, code := range map[string]int{"-1": exitOK, "7": exitTransfer} {
		name := newName()
		r := start(t, nil, "reader", name, small, "-n", frames, "--timeout-ms", "0",
			"--json-output")
		w := openTestWriter(t, name)
		writePattern(t, w, 2, 10)
		require.NoError(t, w.WaitDrained(context.Background()))
		r.cancel()
		got := r.exits(code).json()
		require.Equal(t, 2.0, got["frames_read"])
		if code != exitOK {
			require.Contains(t, r.stderr.String(), "interrupted after frame 2 of 7")
		}
	}
}
