//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"github.com/zerobuffer-go/zerobuffer/compat/rawvideo"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// The video, bikes.mp4: 10 seconds of a street. videoRing holds some eight of its frames.
var videoFormat = rawvideo.Format{Pixels: "bgr24", Width: 640, Height: 272, FrameRate: "25/1"}

const (
	videoFrames = 250
	videoRing   = 4 << 20
)

// decoder is the command that writes the frames of the video to its standard output.
func decoder(ffmpeg, video string) []string {
	return []string{
		ffmpeg, "-v", "error", "-nostdin", "-i", video,
		"-f", "rawvideo", "-pix_fmt", videoFormat.Pixels, "-",
	}
}

// decode decodes the video and gives each frame to f; the next frame overwrites it.
func decode(command []string, f func(frame []byte) error) error {
	cmd := exec.Command(command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	buf := make([]byte, videoFormat.FrameSize())
	for err == nil {
		if err = rawvideo.ReadFrame(out, buf); err == nil {
			err = f(buf)
		}
	}
	if !errors.Is(err, io.EOF) {
		_ = cmd.Process.Kill()
		return errors.Join(err, cmd.Wait())
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("decode: %w\n%s", err, &stderr)
	}
	return nil
}

func hash(frame []byte) string {
	sum := sha256.Sum256(frame)
	return hex.EncodeToString(sum[:])
}

// decodedVideo returns the command and the hash of each frame, as decoded without any buffer.
func decodedVideo(t *testing.T) (command, hashes []string) {
	t.Helper()
	command = decoder(need(t, "ZEROBUFFER_FFMPEG"), need(t, "ZEROBUFFER_VIDEO"))
	require.NoError(t, decode(command, func(frame []byte) error {
		hashes = append(hashes, hash(frame))
		return nil
	}))
	require.Len(t, hashes, videoFrames)
	require.NotEqual(t, hashes[0], hashes[videoFrames-1], "it is a moving picture")
	return command, hashes
}

// readVideo reads what the metadata describes and returns the hash of each frame.
func readVideo(t *testing.T, r *zerobuffer.Reader) []string {
	t.Helper()
	text, err := r.WaitMetadata(watched(t))
	require.NoError(t, err)
	var got rawvideo.Metadata
	require.NoError(t, json.Unmarshal(text, &got))
	format := rawvideo.Format{
		Pixels: got.PixelFormat, Width: got.Width, Height: got.Height, FrameRate: got.FrameRate,
	}
	require.Empty(t, cmp.Diff(videoFormat, format))
	require.Contains(t, got.Caps, "width=(int)640, height=(int)272")
	var hashes []string
	for frame, err := range r.Frames(watched(t)) {
		require.NoError(t, err)
		if len(frame.Bytes()) != format.FrameSize() {
			t.Fatalf("frame %d has %d bytes", len(hashes), len(frame.Bytes()))
		}
		hashes = append(hashes, hash(frame.Bytes()))
		frame.Release()
	}
	return hashes
}

func TestPythonReaderVideo(t *testing.T) {
	command, want := decodedVideo(t)
	name := newName(t, pythonLeaves...)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": videoRing})
	w := newWriter(t, name)
	p.send("video_read", args{"n": videoFrames})
	require.NoError(t, sendVideo(w, command))
	require.Empty(t, cmp.Diff(want, p.recv().Hashes))
}

func TestPythonWriterVideo(t *testing.T) {
	command, want := decodedVideo(t)
	name := newName(t)
	p := startPeer(t)
	r := newReader(t, name, videoRing)
	p.call("writer", args{"name": name})
	p.send("video_write", args{
		"command": command, "frame_size": videoFormat.FrameSize(),
		"metadata": videoFormat.Metadata(),
	})
	got := readVideo(t, r)
	require.Empty(t, cmp.Diff(want, got))
	require.Empty(t, cmp.Diff(want, p.recv().Hashes), "what the peer has decoded")
}

// The same between two processes of ours.
func TestCrossProcessVideo(t *testing.T) {
	command, want := decodedVideo(t)
	t.Setenv(videoCommandVariable, strings.Join(command, "\n"))
	name := newName(t)
	r := newReader(t, name, videoRing)
	startChild(t, "video", name, 0, videoFrames)
	require.Empty(t, cmp.Diff(want, readVideo(t, r)))
}

// videoCommandVariable tells the second process how to decode.
const videoCommandVariable = "ZEROBUFFER_INTEROP_DECODER"

func helperVideo(name string, _, _ int) error {
	w, err := zerobuffer.NewWriter(backend, name, nil)
	if err != nil {
		return err
	}
	fmt.Println("open")
	if err := sendVideo(w, strings.Split(os.Getenv(videoCommandVariable), "\n")); err != nil {
		return err
	}
	return w.Close()
}

// sendVideo sets the metadata and writes each frame of the video.
func sendVideo(w *zerobuffer.Writer, command []string) error {
	if err := w.SetMetadata(videoFormat.Metadata()); err != nil {
		return err
	}
	return decode(command, func(frame []byte) error {
		return w.WriteFrame(context.Background(), frame)
	})
}
