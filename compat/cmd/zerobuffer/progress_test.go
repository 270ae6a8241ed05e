package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressIsSilentWithoutATerminal(t *testing.T) {
	e := &env{stderr: newOutput()}
	stop := e.startProgress(&commonOptions{}, "reading", 10, new(atomic.Int64))
	stop()
	stop()
	require.Empty(t, e.stderr.(*output).String())
}

func TestProgressShowsHowFarItIs(t *testing.T) {
	for _, total := range []frameCount{10, -1} {
		out := newOutput()
		var done atomic.Int64
		done.Store(3)
		stop := showProgress(out, "reading camera", total, &done, 0)
		deadline := time.Now().Add(time.Minute)
		for !strings.Contains(out.String(), "reading camera") && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		stop()
		require.Contains(t, out.String(), "reading camera")
	}
}

func TestProgressOfAShortRunIsSilent(t *testing.T) {
	out := newOutput()
	showProgress(out, "reading", 10, new(atomic.Int64), time.Hour)()
	require.Empty(t, out.String())
}
