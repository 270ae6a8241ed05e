package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

func TestMain(m *testing.M) {
	if measure.IsSecond() {
		main()
	}
	os.Exit(m.Run())
}

// A real video: every frame that ffmpeg decodes in one process arrives in the other.
func TestCrossProcessVideo(t *testing.T) {
	ffmpeg, video := os.Getenv("ZEROBUFFER_FFMPEG"), os.Getenv("ZEROBUFFER_VIDEO")
	if ffmpeg == "" || video == "" {
		if os.Getenv("ZEROBUFFER_NOSKIP") == "1" {
			t.Fatal("ZEROBUFFER_FFMPEG or ZEROBUFFER_VIDEO is not set; nothing may be skipped")
		}
		t.Skip("set ZEROBUFFER_FFMPEG and ZEROBUFFER_VIDEO to a program and a file")
	}
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), []string{"--ffmpeg", ffmpeg, "--video", video},
		&stdout, &stderr)
	require.Equal(t, 0, code, stderr.String())
	require.Contains(t, stdout.String(), "every frame arrived unchanged")
	t.Log("\n" + stdout.String())
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"--what"}, {"--video", "v", "more"}} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 2, run(context.Background(), args, &stdout, &stderr))
		require.NotEmpty(t, stderr.String())
	}
	var stdout, stderr bytes.Buffer
	args := []string{"--ffmpeg", "/nowhere/at/all", "--video", "v"}
	require.Equal(t, 1, run(context.Background(), args, &stdout, &stderr))
	stdin, end := io.Pipe() // whose end would end the decoder without a word
	defer end.Close()
	code := runDecoder(context.Background(), []string{"one"}, stdin, &stderr)
	require.Equal(t, 1, code)
	require.Contains(t, stderr.String(), "want 3")
}
