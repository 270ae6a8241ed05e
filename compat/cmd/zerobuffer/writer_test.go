package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/internal/pattern"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// newTestReader makes a buffer whose frames the test reads itself.
func newTestReader(t *testing.T, ring int64) (*zerobuffer.Reader, string) {
	t.Helper()
	name := newName()
	r, err := zerobuffer.NewReader(backend, name, &zerobuffer.ReaderOptions{
		PayloadSize: ring,
		ReadTimeout: time.Minute, // a test that went wrong must not hang
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r, name
}

// readAll returns copies of all frames until the writer closes.
func readAll(t *testing.T, r *zerobuffer.Reader) [][]byte {
	t.Helper()
	var frames [][]byte
	for frame, err := range r.Frames(context.Background()) {
		require.NoError(t, err)
		frames = append(frames, bytes.Clone(frame.Bytes()))
		frame.Release()
	}
	return frames
}

func TestWriterWritesItsPattern(t *testing.T) {
	for _, p := range []pattern.Pattern{
		pattern.Sequential, pattern.Random, pattern.Zero, pattern.Ones,
	} {
		for _, batch := range []string{"1", "7"} {
			t.Run(p.String()+"-batch-"+batch, func(t *testing.T) {
				r, name := newTestReader(t, 8192)
				w := start(t, nil, "writer", name, "-n", "40", "-s", "999",
					"--pattern", p.String(), "--batch-size", batch)
				frames := readAll(t, r)
				w.exits(exitOK)
				require.Len(t, frames, 40)
				for i, frame := range frames {
					require.Len(t, frame, 999)
					require.NoError(t, p.Verify(frame, uint64(i)))
				}
				require.Contains(t, w.stdout.String(), "Wrote 40 frames, 39.0 KiB")
			})
		}
	}
}

func TestWriterDefaults(t *testing.T) {
	r, name := newTestReader(t, 0)
	w := start(t, nil, "writer", name)
	frames := readAll(t, r)
	w.exits(exitOK)
	require.Len(t, frames, 1000)
	require.Len(t, frames[999], 1024)
	require.NoError(t, pattern.Sequential.Verify(frames[999], 999))
	_, err := r.Metadata()
	require.ErrorIs(t, err, zerobuffer.ErrNoMetadata)
}

func TestWriterJSON(t *testing.T) {
	r, name := newTestReader(t, 8192)
	w := start(t, nil, "writer", name, "-n", "3", "-s", "100", "-m", "hello", "--json-output")
	readAll(t, r)
	got := w.exits(exitOK).json()
	for _, measured := range []string{"duration_seconds", "throughput_mbps"} {
		require.Greater(t, got[measured], 0.0)
		delete(got, measured)
	}
	want := map[string]any{
		"operation": "write", "buffer_name": name, "frames_written": 3.0, "frame_size": 100.0,
		"metadata_size": 5.0, "verification_errors": 0.0, "errors": []any{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	require.Empty(t, w.stderr.String())
}

func TestWriterMetadataFile(t *testing.T) {
	file := tempFile(t)
	require.NoError(t, os.WriteFile(file, []byte("from a file"), 0o600))
	r, name := newTestReader(t, 8192)
	w := start(t, nil, "writer", name, "-n", "1", "--metadata-file", file)
	readAll(t, r)
	w.exits(exitOK)
	metadata, err := r.Metadata()
	require.NoError(t, err)
	require.Equal(t, "from a file", string(metadata))

	require.NoError(t, os.WriteFile(file, nil, 0o600))
	code, _, stderr := call(t, "writer", name, "--metadata-file", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "is empty")
}

func TestWriterMetadataTooLarge(t *testing.T) {
	_, name := newTestReader(t, 8192)
	code, _, stderr := call(t, "writer", name, "-m", strings.Repeat("m", 5000))
	require.Equal(t, exitTransfer, code)
	require.Contains(t, stderr, "too large")
}

func TestWriterAfterAWriterKeepsMetadata(t *testing.T) {
	r, name := newTestReader(t, 8192)
	for _, text := range []string{"first", "second"} {
		w := start(t, nil, "writer", name, "-n", "2", "-m", text)
		require.NoError(t, r.WaitWriter(context.Background()))
		for range 2 {
			frame, err := r.ReadFrame(context.Background())
			require.NoError(t, err)
			frame.Release()
		}
		w.exits(exitOK)
		if text == "second" {
			require.Contains(t, w.stderr.String(), "keeps the metadata")
		}
	}
	metadata, err := r.Metadata()
	require.NoError(t, err)
	require.Equal(t, "first", string(metadata))
}

func TestWriterFromStdin(t *testing.T) {
	for _, batch := range []string{"1", "4"} {
		for _, option := range []string{"--stdin", "--input=-"} {
			r, name := newTestReader(t, 8192)
			w := start(t, strings.NewReader("aaabbbcccddd"),
				"writer", name, option, "-s", "3", "--batch-size", batch)
			frames := readAll(t, r)
			w.exits(exitOK)
			want := [][]byte{[]byte("aaa"), []byte("bbb"), []byte("ccc"), []byte("ddd")}
			if diff := cmp.Diff(want, frames); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
	}
}

func TestWriterFromFile(t *testing.T) {
	file := tempFile(t)
	require.NoError(t, os.WriteFile(file, []byte("aaabbbccc"), 0o600))
	r, name := newTestReader(t, 8192)
	w := start(t, nil, "writer", name, "--input", file, "-s", "3", "-n", "2")
	require.Len(t, readAll(t, r), 2)
	w.exits(exitOK)

	w = start(t, nil, "writer", name, "--input", file, "-s", "3", "-n", "4")
	require.NoError(t, r.WaitWriter(context.Background()))
	for range 3 {
		frame, err := r.ReadFrame(context.Background())
		require.NoError(t, err)
		frame.Release()
	}
	w.exits(exitTransfer)
	require.Contains(t, w.stderr.String(), "frame 4 of 4: input has ended")
}

func TestWriterShortLastFrame(t *testing.T) {
	r, name := newTestReader(t, 8192)
	w := start(t, strings.NewReader("aaabbbcc"),
		"writer", name, "--stdin", "-s", "3", "--json-output")
	require.Len(t, readAll(t, r), 2)
	got := w.exits(exitTransfer).json()
	require.Equal(t, 2.0, got["frames_written"])
	require.Contains(t, w.stderr.String(), "1 bytes short of a frame of 3")
	require.Contains(t, got["errors"].([]any)[0], "1 bytes short")
}

func TestWriterVideo(t *testing.T) {
	r, name := newTestReader(t, 8192)
	w := start(t, bytes.NewReader(make([]byte, 2*36)), "writer", name, "--stdin",
		"--video", "4x3", "--pixel-format", "bgr24", "--framerate", "30/1")
	frames := readAll(t, r)
	w.exits(exitOK)
	require.Len(t, frames, 2)
	require.Len(t, frames[0], 36)
	metadata, err := r.Metadata()
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(metadata, &got))
	require.Equal(t, "video/x-raw, format=(string)BGR, width=(int)4, height=(int)3, "+
		"framerate=(fraction)30/1", got["caps"])
	require.Equal(t, 4.0, got["width"])
}

func TestWriterWithoutReader(t *testing.T) {
	name := newName()
	code, stdout, stderr := call(t, "writer", name, "--timeout-ms", "30", "--json-output")
	require.Equal(t, exitConnect, code)
	require.Contains(t, stderr, "zerobuffer reader "+name)
	require.Contains(t, stdout, `"frames_written": 0`)
}

func TestWriterOfABufferWithAWriter(t *testing.T) {
	_, name := newTestReader(t, 8192)
	w, err := zerobuffer.NewWriter(backend, name, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	code, _, stderr := call(t, "writer", name, "--timeout-ms", "50")
	require.Equal(t, exitConnect, code, stderr)
}

func TestWriterTimesOutWhenTheRingIsFull(t *testing.T) {
	_, name := newTestReader(t, 4096)
	code, _, stderr := call(t, "writer", name, "-n", "10", "--timeout-ms", "50")
	require.Equal(t, exitTransfer, code)
	require.Contains(t, stderr, "of 10")
	require.Contains(t, stderr, "full")
}

func TestWriterFrameTooLarge(t *testing.T) {
	_, name := newTestReader(t, 4096)
	code, _, stderr := call(t, "writer", name, "-s", "1MiB")
	require.Equal(t, exitTransfer, code)
	require.Contains(t, stderr, "too large")
}

func TestWriterReaderCloses(t *testing.T) {
	r, name := newTestReader(t, 4096)
	w := start(t, nil, "writer", name, "-n", "-1")
	frame, err := r.ReadFrame(context.Background())
	require.NoError(t, err)
	frame.Release()
	require.NoError(t, r.Close())
	w.exits(exitTransfer)
	require.Contains(t, w.stderr.String(), "reader")
}

func TestWriterLingersWithALimit(t *testing.T) {
	_, name := newTestReader(t, 8192)
	code, _, stderr := call(t, "writer", name, "-n", "2", "--linger-ms", "30")
	require.Equal(t, exitOK, code)
	require.Contains(t, stderr, "warning: the reader has not read everything after 30ms")

	_, name = newTestReader(t, 8192)
	code, _, stderr = call(t, "writer", name, "-n", "2", "--linger-ms", "0")
	require.Equal(t, exitOK, code)
	require.Empty(t, stderr)
}

func TestWriterLingersUntilTheReaderIsGone(t *testing.T) {
	for frames, code := range map[string]int{"1": exitOK, "3": exitTransfer} {
		r, name := newTestReader(t, 8192)
		w := start(t, nil, "writer", name, "-n", frames, "--json-output")
		frame, err := r.ReadFrame(context.Background())
		require.NoError(t, err)
		frame.Release() // a frame that is held when the reader closes may count as unread
		require.NoError(t, r.Close())
		w.exits(code)
		if code != exitOK {
			require.Contains(t, w.stderr.String(), "reader has closed the buffer")
		}
	}
}

func TestWriterInterrupted(t *testing.T) {
	for frames, code := range map[string]int{"-1": exitOK, "100000": exitTransfer} {
		r, name := newTestReader(t, 8192)
		w := start(t, nil, "writer", name, "-n", frames, "--delay-ms", "1", "-s", "10")
		frame, err := r.ReadFrame(context.Background())
		require.NoError(t, err)
		frame.Release()
		w.cancel()
		w.exits(code)
		require.Contains(t, w.stdout.String(), "Wrote ")
	}
}

func TestWriterInterruptedWhileItWaitsForInput(t *testing.T) {
	pipe, keepOpen, err := os.Pipe()
	require.NoError(t, err)
	defer keepOpen.Close()
	r, name := newTestReader(t, 8192)
	w := start(t, pipe, "writer", name, "--stdin", "-s", "10", "-v")
	_, err = keepOpen.Write(make([]byte, 15))
	require.NoError(t, err)
	frame, err := r.ReadFrame(context.Background())
	require.NoError(t, err)
	frame.Release()
	w.cancel()
	w.exits(exitOK)
}
