//go:build linux

package posixshm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// TestTruncatedInFullFlightCrossProcess cuts the segment off while frames stream: the two sides, in
// a process of their own, go on until an error ends them, and close.
func TestTruncatedInFullFlightCrossProcess(t *testing.T) {
	for i := range 10 {
		b := newBackend(t)
		name := newName(t, b)
		c := start(t, b, nil, "stream", name)
		require.Equal(t, "streaming", c.Line())
		c.Step()
		time.Sleep(time.Duration(i) * time.Millisecond)
		require.NoError(t, os.Truncate(b.segmentPath(name), int64(i%3)*8192))
		require.Equal(t, "ended", c.Line())
		c.End()
		_ = os.Remove(b.segmentPath(name))
	}
}

// stream passes frames until both sides end by a truncated segment.
func stream(b *Backend, name string) error {
	r, err := zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
	if err != nil {
		return err
	}
	w, err := zerobuffer.NewWriter(b, name, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	read := make(chan error)
	go func() {
		for {
			f, err := r.ReadFrame(ctx)
			if err == nil {
				err = f.Do(func(b []byte) error {
					bytes.Count(b, []byte{1})
					return nil
				})
			}
			if f.Release(); err != nil {
				read <- err
				return
			}
		}
	}()
	testproc.Say("streaming")
	frame := make([]byte, 5000)
	for err == nil {
		err = w.WriteFrame(ctx, frame)
	}
	for _, err := range []error{err, <-read} {
		if !errors.Is(err, zerobuffer.ErrSegmentTruncated) {
			return fmt.Errorf("a side ended with: %w", err)
		}
	}
	for _, err := range []error{w.Close(), r.Close()} {
		if err != nil && !errors.Is(err, zerobuffer.ErrSegmentTruncated) {
			return err
		}
	}
	testproc.Say("ended")
	return nil
}
