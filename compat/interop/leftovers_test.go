//go:build linux

package interop

import (
	"context"
	"encoding/binary"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// steps are what a Python reader does one after the other to make a buffer, up to the last one
// before it is whole.
var steps = []string{"lock", "segment", "size", "geometry", "reader-pid", "sem-w"}

const halfPayload = 1 << 20

// exchange proves that a buffer of ours is sound: frames of the peer arrive.
func exchange(t *testing.T, r *zerobuffer.Reader) {
	t.Helper()
	s := mixed(1, 1000)
	p := startPeer(t)
	p.call("writer", args{"name": r.Name()})
	p.call("write", args{"sizes": s, "n": 5})
	s.read(t, watched(t), r, 0, 5)
	p.call("close_writer", nil)
}

// A buffer that is being made is not there yet. It is neither refused as incompatible nor touched:
// a writer_pid set too early would make every retry of the peer say "already connected".
func TestPythonReaderHalfMade(t *testing.T) {
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			name := newName(t, killedLeaves...)
			p := startPeer(t)
			p.call("half_made", args{"name": name, "step": step, "payload": halfPayload})
			_, err := zerobuffer.NewWriter(backend, name, nil)
			require.ErrorIs(t, err, zerobuffer.ErrBufferNotFound)
			if step != "lock" {
				require.ErrorIs(t, err, zerobuffer.ErrNotReady)
				require.Zero(t, writerPID(t, name))
			}

			// It belongs to the peer, which holds its lock.
			before := objects(t, name)
			_, err = zerobuffer.NewReader(backend, name, nil)
			require.ErrorIs(t, err, zerobuffer.ErrReaderConnected)
			require.Equal(t, before, objects(t, name))

			opened := make(chan error, 1)
			go func() {
				w, err := zerobuffer.OpenWriter(watched(t), backend, name, nil)
				if err == nil {
					err = w.Close()
				}
				opened <- err
			}()
			p.call("half_go_on", args{"step": "reader"})
			require.NoError(t, <-opened)
		})
	}
}

// writerPID reads the field from the file, because the segment may not be attachable.
func writerPID(t *testing.T, name string) uint64 {
	t.Helper()
	file, err := os.Open(place(name, "segment"))
	require.NoError(t, err)
	defer file.Close()
	var field [8]byte
	_, err = file.ReadAt(field[:], 0x50)
	require.NoError(t, err)
	return binary.LittleEndian.Uint64(field[:])
}

// objects returns the identity of each object of a buffer that is there. C#'s lock file is left
// out: ours holds it for a moment while it looks.
func objects(t *testing.T, name string) map[string]uint64 {
	t.Helper()
	found := map[string]uint64{}
	for _, what := range []string{"segment", "sem-w", "sem-r", "lock"} {
		if exists(name, what) {
			found[what] = inode(t, place(name, what))
		}
	}
	return found
}

// inode returns the number of a file, which a new file of the same name does not share.
func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

// A maker that was killed at any step, with or without its lock file, blocks nobody.
func TestPythonReaderKilledHalfMade(t *testing.T) {
	for _, step := range append(steps, "reader") {
		for _, lock := range []string{"with-lock", "without-lock"} {
			t.Run(step+"-"+lock, func(t *testing.T) {
				name := newName(t)
				p := startPeer(t)
				p.call("half_made", args{"name": name, "step": step, "payload": halfPayload})
				p.kill()
				if lock == "without-lock" && exists(name, "lock") {
					remove(t, name, "lock") // a scan of another peer would have done it
				}
				exchange(t, newReader(t, name, 8192))
			})
		}
	}
}

// The peer never removes semaphores. Ours are new ones, without the old tokens, which the reader
// would take for frames.
func TestPythonLeavesSemaphores(t *testing.T) {
	name := newName(t)
	p := startPeer(t)
	p.call("leftover_semaphores", args{"name": name, "value": 7})
	before := objects(t, name)
	require.Len(t, before, 2)
	r := newReader(t, name, 8192)
	channel, err := backend.Open(name, quiet)
	require.NoError(t, err)
	defer channel.Close()
	tokens, _ := channel.DataReady().State()
	require.Zero(t, tokens)
	tokens, _ = channel.SpaceReady().State()
	require.Zero(t, tokens)
	_, there, err := r.TryReadFrame()
	require.NoError(t, err)
	require.False(t, there)
	exchange(t, r)
}

// A segment of a dead reader whose lock file is gone blocks the name for the peers for ever, since
// they clean up by lock file. Ours looks at the segment.
func TestPythonLeavesStaleSegment(t *testing.T) {
	name := newName(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": halfPayload})
	p.kill()
	if exists(name, "lock") { // a scan of another process may have been quicker
		remove(t, name, "lock")
	}
	_, err := zerobuffer.NewWriter(backend, name, nil)
	require.Error(t, err, "its reader is dead")
	p = startPeer(t)
	p.fails("reader", args{"name": name, "payload": halfPayload}, "ZeroBufferException")
	exchange(t, newReader(t, name, 8192))
}

// A live buffer is not taken over, even without its lock file, and its frames go on.
func TestPythonReaderWithoutLockFile(t *testing.T) {
	name := newName(t, pythonLeaves...)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 8192})
	remove(t, name, "lock")
	before := objects(t, name)
	_, err := zerobuffer.NewReader(backend, name, nil)
	require.ErrorIs(t, err, zerobuffer.ErrReaderConnected)
	require.Equal(t, before, objects(t, name))
	w := newWriter(t, name)
	s := mixed(1, 1000)
	p.send("read", args{"sizes": s, "n": 50})
	s.write(t, watched(t), w, 0, 50)
	p.recv()
}

// Each side refuses a second one of its kind, whoever came first.
func TestPythonReaderSecondSide(t *testing.T) {
	name := newName(t, pythonLeaves...)
	p, q := startPeer(t), startPeer(t)
	p.call("reader", args{"name": name, "payload": 8192})
	_, err := zerobuffer.NewReader(backend, name, nil)
	require.ErrorIs(t, err, zerobuffer.ErrReaderConnected)
	w := newWriter(t, name)
	q.fails("writer", args{"name": name}, "WriterAlreadyConnectedException")
	require.NoError(t, w.Close())
	q.call("writer", args{"name": name})
	_, err = zerobuffer.NewWriter(backend, name, nil)
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)
}

func TestPythonWriterSecondSide(t *testing.T) {
	name := newName(t)
	p := startPeer(t)
	r := newReader(t, name, 8192)
	p.fails("reader", args{"name": name, "payload": 8192}, "ZeroBufferException")
	exchange(t, r)
}

// A writer of ours that waits sees the peer's buffer as soon as it is whole.
func TestPythonReaderComesLater(t *testing.T) {
	name := newName(t, pythonLeaves...)
	p := startPeer(t)
	type result struct {
		w   *zerobuffer.Writer
		err error
	}
	opened := make(chan result, 1)
	go func() {
		w, err := zerobuffer.OpenWriter(context.Background(), backend, name, nil)
		opened <- result{w, err}
	}()
	// 64 MiB: the peer needs some 70 ms to fill it with zeros, visible all the while.
	p.call("reader", args{"name": name, "payload": 64 << 20})
	got := <-opened
	require.NoError(t, got.err)
	defer got.w.Close()
	s := mixed(1, 1000)
	p.send("read", args{"sizes": s, "n": 50})
	s.write(t, watched(t), got.w, 0, 50)
	p.recv()
}
