package zerobuffer_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/internal/golden"
	"github.com/zerobuffer-go/zerobuffer/core/internal/guarded"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const (
	// The segments of fuzzed sessions: large enough for frames, markers and laps.
	enemyMetadata = 64
	enemyPayload  = 512
	enemySegment  = 128 + enemyMetadata + enemyPayload
	enemyTimeout  = 2 * time.Millisecond
	// enemyClose is what Close may take: looks at a reader of another language.
	enemyClose = 30 * time.Millisecond
	// enemyAttach is what NewWriter may take: looks at a writer_pid that changes, and at tokens.
	enemyAttach = 150 * time.Millisecond
)

// enemySeeds are segments as real sessions leave them, peaceful and hostile scripts, and calls.
func enemySeeds(f *testing.F) {
	wrapped := golden.Read(f, "testdata/wrapped.hex")
	images := [][]byte{nil, wrapped, session(f, 0), session(f, 4712), session(f, 4713)}
	calls := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0}
	flood := bytes.Repeat([]byte{6, 0, 1, 7, 0, 1}, 20)
	positions := bytes.Repeat([]byte{9, 6, 10, 9, 7, 11, 9, 10, 8, 6, 0, 9}, 10)
	for _, trust := range []byte{
		0, peerAlive, peerAlive | peerFits, peerAlive | peerOurs | peerFits,
		peerAlive | peerEternal | peerFits, peerAlive | peerOurs | peerEternal | peerFits,
		peerAlive | peerOurs | peerBroken | peerFits,
	} {
		for _, image := range images {
			f.Add(image, calls, []byte{}, trust)
			f.Add(image, calls, flood, trust)
			f.Add(image, calls, positions, trust)
		}
	}
}

// session returns the segment of a real session in the middle of its second lap, with that
// writer_pid: the enemy's system says that odd ones are alive.
func session(f *testing.F, writer uint64) []byte {
	g := newRig(f, zerobuffer.ReaderOptions{
		MetadataSize: enemyMetadata, PayloadSize: enemyPayload,
	}, zerobuffer.WriterOptions{})
	require.NoError(f, g.w.SetMetadata([]byte("caps")))
	for i := range 9 {
		g.write(60+i, byte(i))
		if i > 2 {
			g.readRelease(1)
		}
	}
	g.killWriter()
	g.oieb().WriterPID.Store(writer)
	return bytes.Clone(g.memory())
}

// FuzzReader reads from a segment whose bytes are arbitrary, and some of which change during the
// calls and between them.
func FuzzReader(f *testing.F) {
	enemySeeds(f)
	f.Fuzz(func(t *testing.T, image, calls, script []byte, trust byte) {
		inBubble(t, func(t *testing.T) {
			e := newEnemy(guarded.New(t, enemySegment), trust, script)
			r, err := zerobuffer.NewReader(e, "r", &zerobuffer.ReaderOptions{
				MetadataSize: enemyMetadata, PayloadSize: enemyPayload,
				ReadTimeout: enemyTimeout, Wait: zerobuffer.WaitMode(trust >> 6 % 3),
			})
			if err != nil {
				t.Fatal(err)
			}
			copy(e.mem, image)
			g := &fuzzedReader{t: t, r: r}
			for _, call := range calls[:min(len(calls), 40)] {
				within(t, enemyTimeout, "a call of the Reader", func() { g.call(call) })
			}
			g.release(len(g.held))
			within(t, enemyClose, "Close", func() { _ = r.Close() })
		})
	})
}

// fuzzedReader is a Reader and the frames that it has handed out.
type fuzzedReader struct {
	t    *testing.T
	r    *zerobuffer.Reader
	held []zerobuffer.Frame
}

func (g *fuzzedReader) call(op byte) {
	ctx, cancel := context.WithTimeout(g.t.Context(), enemyTimeout)
	defer cancel()
	switch op % 16 {
	case 0, 1: // without a deadline there is the time-out of the options
		f, err := g.r.ReadFrame(g.t.Context())
		g.take(f, err == nil)
	case 2, 3:
		f, err := g.r.ReadFrame(ctx)
		g.take(f, err == nil)
	case 4, 5:
		f, ok, _ := g.r.TryReadFrame()
		g.take(f, ok)
	case 6:
		var frames [5]zerobuffer.Frame
		n, _ := g.r.ReadBatch(ctx, frames[:])
		for _, f := range frames[:n] {
			g.take(f, true)
		}
	case 7:
		f, err := g.r.Latest(ctx)
		g.take(f, err == nil)
	case 8:
		_, _ = g.r.Metadata()
	case 9:
		_, _ = g.r.WaitMetadata(ctx)
	case 10:
		_ = g.r.WaitWriter(ctx)
	case 11:
		g.r.WriterConnected()
		if n := g.r.Stats().Held; n > enemyPayload/16+64 {
			g.t.Fatalf("%d frames are held", n)
		}
	case 12:
		g.release(len(g.held))
	case 13: // the newest first, so that older ones keep the space
		if n := len(g.held); n > 1 {
			g.held[n-1].Release()
			g.held = g.held[:n-1]
		}
	default:
		g.release(1)
	}
}

// take touches each byte of a frame, which has to be inside the segment.
func (g *fuzzedReader) take(f zerobuffer.Frame, ok bool) {
	if !ok {
		return
	}
	b := f.Bytes()
	if len(b) > enemyPayload-16 || cap(b) != len(b) {
		g.t.Fatalf("a view of %d bytes, cap %d", len(b), cap(b))
	}
	touch(b)
	g.held = append(g.held, f)
}

func (g *fuzzedReader) release(n int) {
	n = min(n, len(g.held))
	for _, f := range g.held[:n] {
		f.Release()
	}
	g.held = g.held[n:]
}

// touch writes to each byte.
//
//go:norace
func touch(b []byte) {
	for i := range b {
		b[i]++
	}
}

// FuzzWriter attaches to arbitrary bytes and writes, while some of them change.
func FuzzWriter(f *testing.F) {
	enemySeeds(f)
	f.Fuzz(func(t *testing.T, image, calls, script []byte, trust byte) {
		if len(image) > 1<<16 {
			return
		}
		inBubble(t, func(t *testing.T) {
			e := newEnemy(attachable(t, image, trust&peerFits != 0), trust, script)
			opts := &zerobuffer.WriterOptions{
				WriteTimeout: enemyTimeout, Wait: zerobuffer.WaitMode(trust >> 6 % 3),
				Lap: int64(trust>>4%2) * 100,
			}
			var w *zerobuffer.Writer
			var err error
			within(t, enemyAttach, "NewWriter", func() { w, err = zerobuffer.NewWriter(e, "w", opts) })
			if err != nil {
				return
			}
			for _, call := range calls[:min(len(calls), 40)] {
				within(t, enemyTimeout, "a call of the Writer", func() { callWriter(t, w, call) })
			}
			_ = w.Abort()
			within(t, enemyClose, "Close", func() { _ = w.Close() })
		})
	})
}

// attachable returns memory with the image in it. If it is to fit, the fields that a writer refuses
// a segment for are put right, so that more than one in a million gets to the rest.
func attachable(t *testing.T, image []byte, fit bool) []byte {
	if !fit {
		mem := guarded.New(t, len(image))
		copy(mem, image)
		return mem
	}
	mem := guarded.New(t, max(len(image)&^7, enemySegment))
	copy(mem, image)
	o, err := layout.View(mem)
	require.NoError(t, err)
	o.Size.Store(layout.OIEBSize)
	o.Version[0] = layout.VersionMajor
	o.MetadataSize.Store(enemyMetadata)
	o.PayloadSize.Store(uint64(len(mem) - layout.OIEBSize - enemyMetadata))
	o.ReaderPID.Store(o.ReaderPID.Load() | 1)
	return mem
}

// zeros is what frames are made of.
var zeros [1 << 16]byte

func callWriter(t *testing.T, w *zerobuffer.Writer, op byte) {
	ctx, cancel := context.WithTimeout(t.Context(), enemyTimeout)
	defer cancel()
	n := min(w.MaxFrameSize(), 1+int(op>>4)*16)
	switch op % 16 {
	case 0, 1: // without a deadline there is the time-out of the options
		_ = w.WriteFrame(t.Context(), zeros[:n])
	case 2, 3:
		_ = w.WriteFrame(ctx, zeros[:n])
	case 4, 5:
		_, _ = w.TryWriteFrame(zeros[:n])
	case 6: // all frames share the deadline; each has the time-out for itself
		_, _ = w.WriteBatch(ctx, [][]byte{zeros[:n], make([]byte, 1), zeros[:n]})
	case 7, 8, 9:
		b, err := w.Reserve(ctx, n)
		if err != nil {
			return
		}
		if len(b) != n || cap(b) != n {
			t.Fatalf("a view of %d bytes, cap %d, for %d", len(b), cap(b), n)
		}
		touch(b)
		if op%16 == 7 {
			_ = w.Commit(n)
		}
	case 10:
		_ = w.Abort()
	case 11:
		_ = w.SetMetadata(zeros[:n])
	case 12:
		w.Drained()
		w.ReaderConnected()
		w.Stats()
	case 13:
		_ = w.WaitDrained(ctx)
	default:
		_ = w.WriteFrame(ctx, zeros[:w.MaxFrameSize()])
	}
}
