package rawvideo

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseHeader(t *testing.T) {
	f, err := parseHeader("YUV4MPEG2 W640 H360 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG")
	require.NoError(t, err)
	require.Equal(t, Format{"yuv420p", 640, 360, "30000/1001"}, f)
	for _, bad := range []string{"", "RIFF", "YUV4MPEG2", "YUV4MPEG2 Wx H3", "YUV4MPEG2 W0 H3"} {
		_, err := parseHeader(bad)
		require.Error(t, err, bad)
	}
}

func TestDecodeGivesWhatFFmpegHashes(t *testing.T) {
	ffmpeg, video := os.Getenv("ZEROBUFFER_FFMPEG"), os.Getenv("ZEROBUFFER_VIDEO")
	if ffmpeg == "" || video == "" {
		if os.Getenv("ZEROBUFFER_NOSKIP") == "1" {
			t.Fatal("ZEROBUFFER_FFMPEG or ZEROBUFFER_VIDEO is not set; nothing may be skipped")
		}
		t.Skip("set ZEROBUFFER_FFMPEG and ZEROBUFFER_VIDEO to a program and a file")
	}
	ctx := context.Background()
	f, err := Probe(ctx, ffmpeg, video)
	require.NoError(t, err)
	stream, err := Decode(ctx, ffmpeg, video, f)
	require.NoError(t, err)
	size, err := io.Copy(io.Discard, stream)
	require.NoError(t, err)
	require.NoError(t, stream.Close())
	require.Positive(t, size)
	require.Zero(t, size%int64(f.FrameSize()), "the stream is whole frames")
	sum, err := Hash(ctx, ffmpeg, video, f)
	require.NoError(t, err)
	require.Len(t, sum, 64)

	_, err = Probe(ctx, ffmpeg, "/nowhere/at/all")
	require.ErrorContains(t, err, "/nowhere/at/all")
}

func TestFFmpegIsMissing(t *testing.T) {
	f := Format{"gray", 1, 1, ""}
	ctx := context.Background()
	_, probe := Probe(ctx, "/nowhere/at/all", "v")
	_, decode := Decode(ctx, "/nowhere/at/all", "v", f)
	_, hash := Hash(ctx, "/nowhere/at/all", "v", f)
	for _, err := range []error{probe, decode, hash} {
		// Windows looks for a program with the extensions of %PATHEXT%.
		require.True(t, errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound), err)
	}
}
