//go:build linux

package interop

import (
	"maps"
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// beyondFirst is the number of the first frame in these tests: the third one has more than 32 bits.
const beyondFirst = 1<<32 - 2

// beyondFrames is how many frames follow: enough for many laps.
const beyondFrames = 300

// The counters of the OIEB have limits of their own. A count that goes through 0 is no business of
// the peer, whose integers end there.
var beyondCounts = map[string]uint64{
	"near-32-bits": 1<<32 - 5,
	"near-64-bits": math.MaxUint64 - 3*beyondFrames,
}

// lastBefore leaves in a fresh ring the last frame before beyondFirst, read and given back, as a
// peer's writer would, and sets the counters.
func lastBefore(ring layout.Segment, count uint64) {
	const size = 24
	layout.WriteSize(ring.Payload, size)
	layout.WriteSeq(ring.Payload, beyondFirst-1)
	o := ring.OIEB
	o.WritePos.Store(layout.HeaderSize + size)
	o.ReadPos.Store(layout.HeaderSize + size)
	o.WrittenCount.Store(count)
	o.ReadCount.Store(count)
}

// private sets a number that a Reader keeps to itself: it cannot be made to read 2^32 frames here.
func private(r *zerobuffer.Reader, name string, value uint64) {
	f := reflect.ValueOf(r).Elem().FieldByName("ring").Elem().FieldByName(name)
	reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().SetUint(value)
}

// Our writer goes on after frame 2^32-3 of another one, twice, and the peer's reader checks each
// number.
func TestPythonReaderBeyond32Bits(t *testing.T) {
	for name, count := range beyondCounts {
		t.Run(name, func(t *testing.T) {
			name := newName(t, pythonLeaves...)
			s, ctx := mixed(3, 500), watched(t)
			p := startPeer(t)
			p.call("reader", args{"name": name, "payload": 4096})
			p.call("start_at", args{"side": "r", "number": beyondFirst})
			ring := view(t, name)
			lastBefore(ring, count)
			w := newWriter(t, name)
			s.write(t, ctx, w, 0, 2)
			p.call("read", args{"sizes": s, "n": 2})
			require.NoError(t, w.Close()) // the peer does not wait, or it would raise
			w = newWriter(t, name)
			p.send("read", args{"sizes": s, "n": beyondFrames - 2, "first": 2})
			s.write(t, ctx, w, 2, beyondFrames-2)
			p.recv()
			require.GreaterOrEqual(t, ring.OIEB.ReadCount.Load(), count+beyondFrames)
			p.fails("read", args{"sizes": s, "n": 1, "first": beyondFrames, "timeout": 0.2}, "Timeout")
			require.NoError(t, w.Close())
			require.Equal(t, "WriterDeadException", p.call("drain",
				args{"sizes": s, "first": beyondFrames, "timeout": 0.1}).Ended)
		})
	}
}

// The peer's writer counts beyond 32 bits, and our reader follows; then a writer of ours goes on.
func TestPythonWriterBeyond32Bits(t *testing.T) {
	for name, count := range beyondCounts {
		t.Run(name, func(t *testing.T) {
			name := newName(t)
			s, ctx := mixed(4, 500), watched(t)
			r, p := newReader(t, name, 4096), startPeer(t)
			private(r, "expected", beyondFirst)
			private(r, "readCount", count)
			ring := view(t, name)
			ring.OIEB.WrittenCount.Store(count)
			p.call("writer", args{"name": name})
			p.call("start_at", args{"side": "w", "number": beyondFirst})
			p.send("write", args{"sizes": s, "n": beyondFrames})
			s.read(t, ctx, r, 0, beyondFrames)
			require.Equal(t, beyondFrames, p.recv().Frames)
			p.call("close_writer", nil)
			_, err := r.ReadFrame(ctx)
			require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
			w := newWriter(t, name)
			require.NoError(t, w.WriteFrame(ctx, s.frame(beyondFrames)))
			require.NoError(t, r.WaitWriter(ctx))
			f, err := r.ReadFrame(ctx)
			require.NoError(t, err)
			require.EqualValues(t, beyondFirst+beyondFrames, f.Sequence())
			f.Release()
			require.GreaterOrEqual(t, ring.OIEB.ReadCount.Load(), count+beyondFrames)
			require.Zero(t, r.Stats().WriterRestarts)
		})
	}
}

// The semaphores are left with room for 100 tokens. The peer posts one for each frame, and raises
// when there is no more room, so ours has to take them away.
func TestPythonWithFullSemaphores(t *testing.T) {
	const room = 100
	t.Run("reader", func(t *testing.T) {
		name := newName(t, pythonLeaves...)
		s, ctx := fixed(30), watched(t)
		p := startPeer(t)
		p.call("reader", args{"name": name, "payload": 4096})
		space, w := channel(t, name).SpaceReady(), newWriter(t, name)
		require.NoError(t, space.Post(math.MaxInt32-room))
		p.send("read", args{"sizes": s, "n": room + 20})
		for i := range room + 20 { // there is always room for the next one
			s.write(t, ctx, w, i, 1)
			require.NoError(t, w.WaitDrained(ctx))
		}
		p.recv()
		tokens, _ := space.State()
		require.Less(t, tokens, uint32(room))
	})
	t.Run("writer", func(t *testing.T) {
		name := newName(t)
		s, ctx := fixed(30), watched(t)
		r, p := newReader(t, name, 4096), startPeer(t)
		data := channel(t, name).DataReady()
		require.NoError(t, data.Post(math.MaxInt32-room))
		p.call("writer", args{"name": name})
		require.NoError(t, r.WaitWriter(ctx))
		p.call("write", args{"sizes": s, "n": 50})
		s.read(t, ctx, r, 0, 50)
		p.send("write", args{"sizes": s, "n": beyondFrames - 50, "first": 50})
		s.read(t, ctx, r, 50, beyondFrames-50)
		p.recv()
		tokens, _ := data.State()
		require.LessOrEqual(t, tokens, uint32(beyondFrames))
	})
}

// channel opens the objects of a buffer, without a role.
func channel(t *testing.T, name string) driver.Channel {
	t.Helper()
	ch, err := backend.Open(name, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ch.Close() })
	return ch
}

// Between two of ours the counts may even go through 0. Each writer is killed, or closes, after a
// few frames, so that the next one finds out the number by itself.
func TestOursBeyond32BitsCrossProcess(t *testing.T) {
	counts := map[string]uint64{"through-0": math.MaxUint64 - 5}
	maps.Copy(counts, beyondCounts)
	for name, count := range counts {
		t.Run(name, func(t *testing.T) {
			name := newName(t)
			ctx := watched(t)
			r := newReader(t, name, helperPayload)
			private(r, "expected", beyondFirst)
			private(r, "readCount", count)
			ring := view(t, name)
			// As lastBefore, but at the end of the ring: our reader keeps its position to itself.
			layout.WriteSize(ring.Payload, helperPayload-layout.HeaderSize)
			layout.WriteSeq(ring.Payload, beyondFirst-1)
			ring.OIEB.WrittenCount.Store(count)
			for i := range 4 {
				c := startChild(t, "writer", name, 2*i, 2)
				for n := 2 * i; n < 2*i+2; n++ {
					f, err := r.ReadFrame(ctx)
					require.NoError(t, err)
					require.EqualValues(t, beyondFirst+n, f.Sequence())
					helperSizes.check(t, n, f.Bytes())
					f.Release()
				}
				c.kill()
			}
			w := newWriter(t, name)
			sent := make(chan error, 1)
			go func() { sent <- helperSizes.send(ctx, w, 8, beyondFrames) }()
			helperSizes.read(t, ctx, r, 8, beyondFrames)
			require.NoError(t, <-sent)
			require.NoError(t, w.Close())
			_, err := r.ReadFrame(ctx)
			require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
			require.Less(t, ring.OIEB.ReadCount.Load()-count, uint64(2*beyondFrames))
		})
	}
}
