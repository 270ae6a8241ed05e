package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"

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

func call(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

func needBackend(t *testing.T) {
	t.Helper()
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
}

func TestCrossProcessMeasuresEverything(t *testing.T) {
	needBackend(t)
	code, stdout, stderr := call(context.Background(), "--duration", "20ms", "--json")
	require.Equal(t, 0, code, stderr)
	var got report
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Len(t, got.RoundTrips, len(kinds))
	require.Len(t, got.OneWay, len(kinds)*len(sizes))
	for _, r := range got.RoundTrips {
		if r.Count < 1 || r.P50 <= 0 || r.P999 < r.P50 {
			t.Errorf("round trip %+v", r)
		}
	}
	for _, r := range got.OneWay {
		if r.Frames < 2 || r.GBPerSecond <= 0 {
			t.Errorf("one way %+v", r)
		}
	}
}

func TestInterrupted(t *testing.T) {
	needBackend(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	code, _, stderr := call(ctx)
	require.Equal(t, 130, code)
	require.Equal(t, "bench: stopped\n", stderr)
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"--duration", "0"}, {"extra"}, {"--what"}} {
		code, _, stderr := call(context.Background(), args...)
		require.Equal(t, 2, code)
		require.NotEmpty(t, stderr)
	}
	require.Equal(t, 1, runSecond(context.Background(), nil, bytes.NewReader(nil), os.Stderr))
}
