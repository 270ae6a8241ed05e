//go:build linux

package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Where libatomic is missing, the peer changes payload_free_bytes by a load and a store, and loses
// what the other side does in between (contract, section 5). Frames here are a quarter of a ring.
const (
	counterPayload = 4096
	counterFrame   = 1000
	counterTotal   = counterFrame + 16
)

// The peer's writer loses what our reader gives back, in small frames, until it believes that
// there is no room for a large one. Our reader sees it blocked with nothing unread, and heals the
// counter.
func TestPythonWriterLosesReleases(t *testing.T) {
	name := newName(t)
	small, large, ctx := fixed(100), fixed(counterFrame), watched(t)
	p := startPeer(t)
	r := newReader(t, name, counterPayload)
	ring := view(t, name)
	p.call("writer", args{"name": name, "timeout": 30})
	p.call("non_atomic", nil)
	p.call("write", args{"sizes": small, "n": 1})
	next := 1
	for ; next <= 30; next++ {
		p.call("split", args{"side": "w"})
		p.send("write", args{"sizes": small, "n": 1, "first": next})
		loaded := p.recv()
		require.Equal(t, "loaded", loaded.Event)
		small.read(t, ctx, r, next-1, 1)
		for ring.OIEB.PayloadFree.Load() == loaded.Free {
			require.NoError(t, ctx.Err(), "our reader did not give back")
			time.Sleep(time.Millisecond)
		}
		p.line("store")
		p.recv()
	}
	small.read(t, ctx, r, next-1, 1)
	lost := 30 * uint64(116)
	waitForFree(t, name, counterPayload-lost)
	require.Equal(t, counterPayload-lost, ring.OIEB.PayloadFree.Load(), "it must be wrong now")
	p.send("write", args{"sizes": large, "n": 100, "first": next})
	large.read(t, ctx, r, next, 100)
	require.Equal(t, 100, p.recv().Frames)
}

// The peer's reader loses what our writer takes, and free bytes grow beyond the ring. Our writer
// trusts the positions as well, and overwrites nothing that is unread.
func TestPythonReaderLosesWrites(t *testing.T) {
	name := newName(t, pythonLeaves...)
	s, ctx := fixed(counterFrame), watched(t)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": counterPayload})
	p.call("non_atomic", nil)
	w := newWriter(t, name)
	ring := view(t, name)
	s.write(t, ctx, w, 0, 1)
	next := 1
	for range 6 {
		p.call("split", args{"side": "r"})
		p.send("read", args{"sizes": s, "n": 1, "first": next - 1})
		require.Equal(t, "loaded", p.recv().Event)
		s.write(t, ctx, w, next, 1)
		p.line("store")
		p.recv()
		next++
	}
	require.Greater(t, ring.OIEB.PayloadFree.Load(), uint64(counterPayload), "it must be wrong now")
	unread := 1
	for {
		wrote, err := w.TryWriteFrame(s.frame(next))
		require.NoError(t, err)
		if !wrote {
			break
		}
		next++
		unread++
		require.LessOrEqual(t, unread, counterPayload/counterTotal, "more than the ring holds")
	}
	p.call("read", args{"sizes": s, "n": unread, "first": next - unread})
	p.send("read", args{"sizes": s, "n": 500, "first": next})
	s.write(t, ctx, w, next, 500)
	p.recv()
}

// Without pauses, as it happens in the field.
func TestPythonWriterNonAtomicCounter(t *testing.T) {
	const n = 20000
	name := newName(t)
	s := mixed(1, 1000)
	p := startPeer(t)
	r := newReader(t, name, 8192)
	p.call("non_atomic", nil)
	p.call("writer", args{"name": name})
	p.send("write", args{"sizes": s, "n": n})
	s.read(t, watched(t), r, 0, n)
	require.Equal(t, n, p.recv().Frames)
}

// The peer's reader advances read_pos before it gives a frame back, so only the free bytes tell
// that it holds one. Where they are too high, the frame that it holds can be overwritten in a ring
// that is full, by any writer. Here the ring never gets more than half full.
func TestPythonReaderNonAtomicCounter(t *testing.T) {
	const n, payload = 20000, 8192
	name := newName(t, pythonLeaves...)
	s, ctx := mixed(2, 1000), watched(t)
	p := startPeer(t)
	p.call("non_atomic", nil)
	p.call("reader", args{"name": name, "payload": payload})
	w, ring := newWriter(t, name), view(t, name)
	p.send("read", args{"sizes": s, "n": n})
	for i := range n {
		for {
			used := int(ring.OIEB.WritePos.Load()) - int(ring.OIEB.ReadPos.Load())
			if (used+payload)%payload < payload/2 {
				break
			}
			require.NoError(t, ctx.Err())
			time.Sleep(50 * time.Microsecond)
		}
		s.write(t, ctx, w, i, 1)
	}
	require.Equal(t, n, p.recv().Frames)
}
