//go:build linux

package interop

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

var backend = posixshm.New(nil)

// What a process may leave behind, by the place where it lies.
var places = map[string]string{
	"segment": "/dev/shm/%s",
	"sem-w":   "/dev/shm/sem.sem-w-%s",
	"sem-r":   "/dev/shm/sem.sem-r-%s",
	"musl-w":  "/dev/shm/sem-w-%s",
	"musl-r":  "/dev/shm/sem-r-%s",
	"lock":    "/tmp/zerobuffer/%s.lock",
	"lock-c#": "/tmp/zerobuffer/locks/%s.lock",
}

// A Python reader that closes leaves its semaphores, because its close forgets them before its
// unlink asks for them. A killed one leaves everything.
var (
	pythonLeaves = []string{"sem-w", "sem-r"}
	killedLeaves = []string{"segment", "sem-w", "sem-r", "lock", "lock-c#"}
)

var names atomic.Uint64

// newName returns a name for a buffer. When the test is over only the given objects of it may be
// left, by fault of the peer, and are removed.
func newName(t *testing.T, leaves ...string) string {
	t.Helper()
	name := fmt.Sprintf("zbi-%d-%d", os.Getpid(), names.Add(1))
	useName(t, name, leaves...)
	return name
}

// useName does the same for a name of the caller's choice.
func useName(t *testing.T, name string, leaves ...string) {
	t.Cleanup(func() {
		for what := range places {
			if !exists(name, what) {
				continue
			}
			if !slices.Contains(leaves, what) {
				t.Errorf("%s of buffer %s is left behind", what, name)
			}
			remove(t, name, what)
		}
	})
}

// place is the file that an object of a buffer is.
func place(name, what string) string { return fmt.Sprintf(places[what], name) }

// exists tells whether an object of a buffer is there.
func exists(name, what string) bool {
	_, err := os.Lstat(place(name, what))
	return err == nil
}

// remove takes objects of a buffer away, as an administrator would.
func remove(t *testing.T, name string, whats ...string) {
	t.Helper()
	for _, what := range whats {
		require.NoError(t, os.Remove(place(name, what)))
	}
}

// watched returns a context that ends only when the test hangs.
func watched(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	t.Cleanup(cancel)
	return ctx
}

// newReader makes a buffer that is closed at the end of the test.
func newReader(t *testing.T, name string, payload int) *zerobuffer.Reader {
	t.Helper()
	r, err := zerobuffer.NewReader(backend, name,
		&zerobuffer.ReaderOptions{PayloadSize: int64(payload)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// newWriter connects to a buffer until the end of the test.
func newWriter(t *testing.T, name string) *zerobuffer.Writer {
	t.Helper()
	w, err := zerobuffer.NewWriter(backend, name, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// view returns the segment of a buffer as a third process sees it.
func view(t *testing.T, name string) layout.Segment {
	t.Helper()
	channel, err := backend.Open(name, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { _ = channel.Close() })
	segment, err := layout.Attach(channel.Memory())
	require.NoError(t, err)
	return segment
}

// state describes a buffer from outside, for the message of a test that failed.
func state(name string) string {
	channel, err := backend.Open(name, quiet)
	if err != nil {
		return err.Error()
	}
	defer channel.Close()
	segment, err := layout.Attach(channel.Memory())
	if err != nil {
		return err.Error()
	}
	o := segment.OIEB
	frames, readers := channel.DataReady().State()
	space, writers := channel.SpaceReady().State()
	return fmt.Sprintf("payload_size %d, free %d, write_pos %d, read_pos %d, written_count %d, "+
		"read_count %d, writer_pid %d, reader_pid %d, sem-w %d (%d wait), sem-r %d (%d wait)",
		segment.Geometry.PayloadSize, o.PayloadFree.Load(), o.WritePos.Load(), o.ReadPos.Load(),
		o.WrittenCount.Load(), o.ReadCount.Load(), o.WriterPID.Load(), o.ReaderPID.Load(),
		frames, readers, space, writers)
}
