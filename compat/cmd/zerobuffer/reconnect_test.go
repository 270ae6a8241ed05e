package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// readSome reads n frames of a pattern and returns the first byte of the first one.
func readSome(t *testing.T, r *zerobuffer.Reader, n int) byte {
	t.Helper()
	var first byte
	for i := range n {
		frame, err := r.ReadFrame(context.Background())
		require.NoError(t, err)
		require.EqualValues(t, i+1, frame.Sequence())
		if i == 0 {
			first = frame.Bytes()[0]
		}
		require.Equal(t, first+byte(i), frame.Bytes()[0])
		frame.Release()
	}
	return first
}

// renewReader makes a buffer once more.
func renewReader(t *testing.T, name string, ring int64) *zerobuffer.Reader {
	t.Helper()
	r, err := zerobuffer.NewReader(backend, name, &zerobuffer.ReaderOptions{
		PayloadSize: ring, ReadTimeout: time.Minute,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func TestWriterReconnects(t *testing.T) {
	for name, args := range map[string][]string{
		"in-place": nil, "batch": {"--batch-size", "7"},
		"stdin": {"--stdin", "-s", "100"},
	} {
		t.Run(name, func(t *testing.T) {
			r, name := newTestReader(t, 4096)
			stdin := patternStream(100, 100)
			w := start(t, stdin, append([]string{
				"writer", name, "-n", "100", "-s", "100",
				"--reconnect", "-m", "first of all", "--json-output",
			}, args...)...)
			require.Zero(t, readSome(t, r, 10))
			require.NoError(t, r.Close())
			r = renewReader(t, name, 4096)
			first := int(readSome(t, r, 5))
			require.GreaterOrEqual(t, first, 10)
			left := len(readAll(t, r))
			require.Equal(t, 100, first+5+left, "it ends with the last frame")
			metadata, err := r.Metadata()
			require.NoError(t, err)
			require.Equal(t, "first of all", string(metadata))
			got := w.exits(exitOK).json()
			require.Equal(t, 100.0, got["frames_written"])
			require.Equal(t, 1.0, got["reconnects"])
			require.Contains(t, w.stderr.String(), "the reader is gone")
			// The reader may have closed before it gave back what it had read.
			lost, _ := got["frames_lost"].(float64)
			require.GreaterOrEqual(t, lost, float64(first-10))
		})
	}
}

// The reader goes while the writer fills in a frame in its buffer, which takes nearly all its time.
// The frame is made once more in the next one.
func TestWriterReconnectsWhileItFills(t *testing.T) {
	const ring = 4 << 20
	r, name := newTestReader(t, ring)
	w := start(t, nil, "writer", name, "-n", "-1", "-s", "1MiB", "--reconnect")
	for range 6 {
		readSome(t, r, 3) // there is room again
		require.NoError(t, r.Close())
		r = renewReader(t, name, ring)
	}
	readSome(t, r, 1)
	w.cancel()
	w.exits(exitOK)
	require.Contains(t, w.stdout.String(), "Reconnected: 6 times")
}

// patternStream is n frames of size bytes, one after the other.
func patternStream(n, size int) *strings.Reader {
	var s strings.Builder
	for i := range n {
		for j := range size {
			s.WriteByte(byte(i + j))
		}
	}
	return strings.NewReader(s.String())
}

func TestWriterReconnectsInVain(t *testing.T) {
	r, name := newTestReader(t, 4096)
	w := start(t, nil, "writer", name, "-n", "-1", "--reconnect", "--timeout-ms", "300")
	readSome(t, r, 3)
	require.NoError(t, r.Close())
	w.exits(exitTransfer)
	require.Contains(t, w.stderr.String(), "reader has closed the buffer")
	require.Contains(t, w.stderr.String(), "time is over")
	require.Contains(t, w.stdout.String(), "Wrote ")
}

func TestWriterInterruptedWhileItReconnects(t *testing.T) {
	r, name := newTestReader(t, 4096)
	w := start(t, nil, "writer", name, "-n", "-1", "--reconnect", "--timeout-ms", "0")
	readSome(t, r, 3)
	require.NoError(t, r.Close())
	for !strings.Contains(w.stderr.String(), "the reader is gone") {
		time.Sleep(time.Millisecond)
	}
	w.cancel()
	w.exits(exitOK)
}

func TestRelayReconnects(t *testing.T) {
	in := newName()
	r, out := newTestReader(t, 4096)
	relay := start(t, nil, "relay", in, out, small, "--reconnect", "--json-output")
	w := openTestWriter(t, in)
	require.NoError(t, w.SetMetadata([]byte("passed on")))
	written := make(chan error, 1)
	go func() {
		for i := range 100 {
			if err := w.WriteFrame(context.Background(), []byte{byte(i)}); err != nil {
				written <- err
				return
			}
			time.Sleep(time.Millisecond)
		}
		written <- w.Close()
	}()
	require.Zero(t, readSome(t, r, 10))
	require.NoError(t, r.Close())
	r = renewReader(t, out, 4096)
	first := int(readSome(t, r, 5))
	require.GreaterOrEqual(t, first, 10)
	require.Equal(t, 100, first+5+len(readAll(t, r)))
	require.NoError(t, <-written)
	metadata, err := r.Metadata()
	require.NoError(t, err)
	require.Equal(t, "passed on", string(metadata))
	got := relay.exits(exitOK).json()
	require.Equal(t, 100.0, got["frames_relayed"])
	require.Equal(t, 1.0, got["reconnects"])
}
