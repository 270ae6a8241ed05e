//go:build linux && (amd64 || arm64)

package main

import (
	"context"
	"os"
	"testing"

	shmipc "github.com/cloudwego/shmipc-go"
	"github.com/stretchr/testify/require"
)

// Frames of each size, also more of them than fit, arrive through shared memory; the sides say so
// if not. Nothing stays in the directory that has the sockets.
func TestCrossProcessShmipc(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	b := newBench(t, shmipcGo)
	b.Sizes = []int{small, 64 << 10, video}
	before, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	measured := 0
	for _, j := range b.jobs() {
		if j.longer > 1 && j.rate != 1000 {
			continue // too slow for a test
		}
		_, err := b.inRounds(t.Context(), j)
		require.NoError(t, err)
		measured++
	}
	require.Equal(t, 2*len(b.Sizes)+1, measured)
	after, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

type writer interface{ shmipc.BufferWriter }

// fullQueue drops frames as Flush does when the queue is full.
type fullQueue struct {
	writer   // for the methods that are not called
	reserved []byte
	drops    int
	sent     []string
}

func (q *fullQueue) BufferWriter() shmipc.BufferWriter { return q }

func (q *fullQueue) Reserve(n int) ([]byte, error) {
	q.reserved = make([]byte, n)
	return q.reserved, nil
}

func (q *fullQueue) Flush(bool) error {
	if q.drops > 0 {
		q.drops--
		return shmipc.ErrQueueFull
	}
	q.sent = append(q.sent, string(q.reserved))
	return nil
}

func TestShmipcSendsDroppedFramesAgain(t *testing.T) {
	q := &fullQueue{drops: 2}
	for _, frame := range []string{"a", "b"} {
		require.NoError(t, putShmipc(t.Context(), q, []byte(frame)))
	}
	require.Equal(t, []string{"a", "b"}, q.sent)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, putShmipc(ended, &fullQueue{drops: 2}, nil), context.Canceled)
}
