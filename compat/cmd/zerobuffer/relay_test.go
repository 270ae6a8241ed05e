package main

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestRelayForwardsEverything(t *testing.T) {
	in := newName()
	r, out := newTestReader(t, 64<<10)
	relay := start(t, nil, "relay", in, out, small, "--json-output")
	w := openTestWriter(t, in)
	require.NoError(t, w.SetMetadata([]byte("hello")))
	var want []uint64
	go func() {
		defer w.Close()
		frame := make([]byte, 100)
		for range 500 {
			if w.WriteFrame(context.Background(), frame) != nil {
				return
			}
		}
	}()
	var got []uint64
	for frame, err := range r.Frames(context.Background()) {
		require.NoError(t, err)
		got = append(got, frame.Sequence())
		want = append(want, uint64(len(want)+1))
		frame.Release()
	}
	fields := relay.exits(exitOK).json()
	require.Len(t, got, 500)
	require.Equal(t, want, got, "sequence numbers")
	metadata, err := r.Metadata()
	require.NoError(t, err)
	require.Equal(t, "hello", string(metadata))
	for _, measured := range []string{"duration_seconds", "throughput_mbps"} {
		require.Greater(t, fields[measured], 0.0)
		delete(fields, measured)
	}
	golden := map[string]any{
		"operation": "relay", "buffer_name": in, "input_buffer": in, "output_buffer": out,
		"transform": "none", "frames_relayed": 500.0, "frame_size": 100.0, "metadata_size": 5.0,
		"verification_errors": 0.0, "errors": []any{},
	}
	if diff := cmp.Diff(golden, fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRelayTransforms(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"none":        {nil, "0123456789"},
		"reverse":     {[]string{"--transform", "reverse"}, "9876543210"},
		"xor-default": {[]string{"--transform", "xor"}, "\xcf\xce\xcd\xcc\xcb\xca\xc9\xc8\xc7\xc6"},
		"xor-key":     {[]string{"--transform", "xor", "--xor-key", "0x01"}, "1032547698"},
		"batch":       {[]string{"--transform", "reverse", "--batch-size", "4"}, "9876543210"},
	} {
		t.Run(name, func(t *testing.T) {
			in := newName()
			r, out := newTestReader(t, 8192)
			relay := start(t, nil, append([]string{"relay", in, out, small}, c.args...)...)
			w := openTestWriter(t, in)
			for range 9 {
				require.NoError(t, w.WriteFrame(context.Background(), []byte("0123456789")))
			}
			require.NoError(t, w.Close())
			frames := readAll(t, r)
			relay.exits(exitOK)
			require.Len(t, frames, 9)
			for _, frame := range frames {
				require.Equal(t, c.want, string(frame))
			}
			require.Contains(t, relay.stdout.String(), "Relayed 9 frames")
		})
	}
}

func TestRelayChainOfCommands(t *testing.T) {
	first, second := newName(), newName()
	r := start(t, nil, "reader", second, small, "--verify", "sequential", "-n", "-1")
	relay := start(t, nil, "relay", first, second, small, "--log-interval", "400")
	w := start(t, nil, "writer", first)
	w.exits(exitOK)
	relay.exits(exitOK)
	r.exits(exitOK)
	require.Contains(t, r.stdout.String(), "Read 1,000 frames")
	require.Contains(t, relay.stderr.String(), "relayed 400 frames")
	require.Contains(t, relay.stderr.String(), "relayed 800 frames")
}

func TestRelayStopsAfterItsFrames(t *testing.T) {
	in := newName()
	r, out := newTestReader(t, 8192)
	relay := start(t, nil, "relay", in, out, small, "-n", "3")
	w := openTestWriter(t, in)
	writePattern(t, w, 5, 10)
	require.Len(t, readAll(t, r), 3)
	relay.exits(exitOK)
	require.ErrorIs(t, w.WriteFrame(context.Background(), []byte("x")), zerobuffer.ErrReaderDead)
}

func TestRelayGetsFewerThanItWants(t *testing.T) {
	in := newName()
	r, out := newTestReader(t, 8192)
	relay := start(t, nil, "relay", in, out, small, "-n", "3")
	w := openTestWriter(t, in)
	writePattern(t, w, 2, 10)
	require.NoError(t, w.Close())
	require.Len(t, readAll(t, r), 2)
	relay.exits(exitTransfer)
	require.Contains(t, relay.stderr.String(), "frame 3 of 3")
}

func TestRelayWithoutOutput(t *testing.T) {
	out := newName()
	code, _, stderr := call(t, "relay", newName(), out, small, "--timeout-ms", "30")
	require.Equal(t, exitConnect, code)
	require.Contains(t, stderr, "zerobuffer reader "+out)
}

func TestRelayCreateOutputWaitsLonger(t *testing.T) {
	in, out := newName(), newName()
	relay := start(t, nil, "relay", in, out, small, "--create-output", "--timeout-ms", "1000", "-v")
	w := openTestWriter(t, in)
	writePattern(t, w, 1, 10)
	require.NoError(t, w.Close())
	r, err := zerobuffer.NewReader(backend, out, nil)
	require.NoError(t, err)
	defer r.Close()
	require.Len(t, readAll(t, r), 1)
	relay.exits(exitOK)
}

func TestRelayWithoutInput(t *testing.T) {
	_, out := newTestReader(t, 8192)
	code, _, stderr := call(t, "relay", newName(), out, small, "--timeout-ms", "30")
	require.Equal(t, exitTransfer, code)
	require.Contains(t, stderr, "start a writer")
}

func TestRelayOutputTooSmall(t *testing.T) {
	in := newName()
	_, out := newTestReader(t, 1024)
	relay := start(t, nil, "relay", in, out, small)
	w := openTestWriter(t, in)
	require.NoError(t, w.WriteFrame(context.Background(), make([]byte, 5000)))
	relay.exits(exitTransfer)
	require.Contains(t, relay.stderr.String(), "too large")
}

func TestRelayInterrupted(t *testing.T) {
	for frames, code := range map[string]int{"-1": exitOK, "7": exitTransfer} {
		in := newName()
		r, out := newTestReader(t, 8192)
		relay := start(t, nil, "relay", in, out, small, "-n", frames)
		w := openTestWriter(t, in)
		writePattern(t, w, 1, 10)
		frame, err := r.ReadFrame(context.Background())
		require.NoError(t, err)
		frame.Release()
		require.NoError(t, w.WaitDrained(context.Background()))
		relay.cancel()
		relay.exits(code)
	}
}

func TestXORAnyLength(t *testing.T) {
	for n := range 20 {
		data := bytes.Repeat([]byte{0x0f}, n)
		xor(data, 0xf0)
		require.Equal(t, bytes.Repeat([]byte{0xff}, n), data)
		require.False(t, slices.Contains(data, 0x0f))
	}
}
