package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

func TestMain(m *testing.M) {
	if measure.IsSecond() {
		main()
	}
	os.Exit(m.Run())
}

func needBackend(t *testing.T) {
	t.Helper()
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
}

func nothingIsLeft(t *testing.T) {
	t.Helper()
	for _, dir := range []string{
		"/dev/shm", "/tmp/zerobuffer", "/tmp/zerobuffer/locks", // posix
		fmt.Sprintf("/tmp/zerobuffer-%d", os.Geteuid()), // memfd
		filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "zerobuffer"),
	} {
		found, err := filepath.Glob(filepath.Join(dir, "*"+bufferName()+"*"))
		require.NoError(t, err)
		require.Empty(t, found)
	}
}

func TestCrossProcessDemo(t *testing.T) {
	needBackend(t)
	for _, scheme := range append(native.Schemes(), "") {
		args := []string{"-full", "100ms", "-paced", "100ms"}
		if scheme != "" {
			args = append(args, "-buffer", scheme+":"+bufferName())
		}
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), args, &stdout, &stderr)
		require.Equal(t, 0, code, stderr.String())
		require.Empty(t, stderr.String())
		for _, want := range []string{"3,110,400 bytes", "full speed", "60 frames/s", "Next"} {
			require.Contains(t, stdout.String(), want)
		}
		nothingIsLeft(t)
	}
}

func TestCrossProcessDemoInterrupted(t *testing.T) {
	needBackend(t)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, 130, run(ctx, []string{"-full", "1h"}, &stdout, &stderr))
	require.Contains(t, stdout.String(), "Nothing is left behind")
	require.Empty(t, stderr.String())
	nothingIsLeft(t)
}

func TestBadArguments(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 2, run(context.Background(), []string{"-fast"}, &stdout, &stderr))
	require.Equal(t, 1, run(context.Background(), []string{"-buffer", "memfd:a/b"}, &stdout, &stderr))
	for _, args := range [][]string{nil, {"n", "x", "1s"}, {"n", "0", "x"}} {
		code := runCamera(context.Background(), args, bytes.NewReader(nil), &stderr)
		require.Equal(t, 1, code)
	}
}

func TestPictureMovesAndIsChecked(t *testing.T) {
	p := newPicture()
	first, second := make([]byte, format.FrameSize()), make([]byte, format.FrameSize())
	for _, n := range []uint64{0, 1, 239, 240, 1 << 40} {
		p.draw(first, n)
		p.draw(second, n+1)
		require.False(t, bytes.Equal(first, second), "frame %d does not move", n)
		stamp{number: n, begun: 5, done: 6}.put(first)
		require.Equal(t, stamp{n, 5, 6}, stampOf(first))
		require.True(t, p.matches(first, n))
		require.False(t, p.matches(second, n))
		for _, at := range []int{stampSize, width * height, len(first) - 1} {
			first[at] ^= 1
			require.False(t, p.matches(first, n), "byte %d is not checked", at)
			first[at] ^= 1
		}
	}
	require.False(t, p.matches(first[1:], 0))
}

func TestOutcomeTellsLossAndDamage(t *testing.T) {
	o := &outcome{latency: measure.NewLatency(), handover: measure.NewLatency()}
	p := newPicture()
	frame := make([]byte, format.FrameSize())
	p.draw(frame, 0)
	stamp{}.put(frame)
	o.see(frame, p, 10)
	o.written = 1
	require.NoError(t, o.check())
	o.see(frame, p, 20) // number 0 again
	o.written = 2
	require.ErrorContains(t, o.check(), "1 damaged")
	o.damaged, o.written = 0, 5
	require.ErrorIs(t, o.check(), errContent)
	require.ErrorContains(t, o.check(), "5 written, 2 read")
	require.InEpsilon(t, 1e8, o.rate(), 0.001)
}
