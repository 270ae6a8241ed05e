package zerobuffer_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// TestStreamConcurrentSafe streams frames of random sizes through small rings and checks every
// byte, with frames released late.
func TestStreamConcurrentSafe(t *testing.T) {
	t.Parallel()
	for _, size := range []int{64, 128, 256, 1024, 4096} {
		for _, hold := range []int{0, 3} {
			if hold > 0 && size < 1024 {
				continue
			}
			name := "ring=" + strconv.Itoa(size) + "/hold=" + strconv.Itoa(hold)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := stream{frames: 2000, most: size - 16}
				if hold > 0 {
					s.most = size/8 - 16 // with more held the writer would wait for ever
				}
				s.run(t, newRig(t, zerobuffer.ReaderOptions{PayloadSize: int64(size)},
					zerobuffer.WriterOptions{}), hold)
			})
		}
	}
}

// TestReleaseConcurrentSafe releases each frame from a goroutine of its own, while later ones are
// read. The race detector takes part.
func TestReleaseConcurrentSafe(t *testing.T) {
	t.Parallel()
	const frames = 5000
	g := newRig(t, zerobuffer.ReaderOptions{}, zerobuffer.WriterOptions{})
	wrote := make(chan error, 1)
	go func() {
		for range frames {
			if err := g.w.WriteFrame(context.Background(), []byte("frame")); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- g.w.Close()
	}()
	var releases sync.WaitGroup
	for f, err := range g.r.Frames(context.Background()) {
		require.NoError(t, err)
		releases.Go(f.Release)
	}
	require.NoError(t, <-wrote)
	releases.Wait()
	require.EqualValues(t, frames, g.r.FramesRead())
}

// TestFrameConcurrentSafe looks from another goroutine at a frame that is held and at one that was
// released, while so many later ones are read that the account of them grows. The race detector
// takes part.
func TestFrameConcurrentSafe(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{PayloadSize: 64 << 10}, zerobuffer.WriterOptions{})
	g.write(5, 'a')
	stale := g.read()
	stale.Release()
	g.write(5, 'b')
	held := g.read()
	var looks sync.WaitGroup
	end := make(chan struct{})
	looks.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
			}
			stale.Release()
			if stale.Valid() || stale.Bytes() != nil || stale.Len() != 5 || stale.Sequence() != 1 {
				t.Error("the frame is another one")
				return
			}
			if !held.Valid() || string(held.Bytes()) != "bbbbb" {
				t.Error("the frame is not held")
				return
			}
		}
	})
	for i := range 2000 {
		g.write(5, 'c')
		f := g.read()
		require.Len(t, f.Bytes(), 5)
		if i%2 == 0 {
			f.Release()
		}
	}
	close(end)
	looks.Wait()
}

// TestWaitWriterBesideReadsConcurrentSafe has WaitWriter notice deaths beside a call that reads.
func TestWaitWriterBesideReadsConcurrentSafe(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	for range 20 {
		require.NoError(t, g.w.WriteFrame(context.Background(), []byte("frame")))
		g.killWriter()
		ctx, cancel := context.WithCancel(context.Background())
		var waits sync.WaitGroup
		for range 8 {
			waits.Go(func() { assert.ErrorIs(t, g.r.WaitWriter(ctx), context.Canceled) })
		}
		for n := 0; n < 10_000; {
			f, ok, err := g.r.TryReadFrame()
			if f.Release(); !ok && err != nil {
				require.ErrorIs(t, err, zerobuffer.ErrWriterDead)
				n++
			}
		}
		cancel()
		waits.Wait()
		g.connect(zerobuffer.WriterOptions{})
	}
	require.EqualValues(t, 20, g.r.FramesRead())
}

// TestCallWaitsForWaitWriter has a call come while WaitWriter is about to log a death.
func TestCallWaitsForWaitWriter(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	_, _, err := g.r.TryReadFrame()
	require.NoError(t, err)
	g.killWriter()
	called := make(chan error)
	g.rlog.onEntry = func(entry string) {
		if entry == "WARN writer died" {
			go func() {
				_, _, err := g.r.TryReadFrame()
				called <- err
			}()
			time.Sleep(20 * time.Millisecond) // let it come
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { assert.ErrorIs(t, g.r.WaitWriter(ctx), context.Canceled) })
	require.ErrorIs(t, <-called, zerobuffer.ErrWriterDead)
	cancel()
	wait.Wait()
}

// stream is a number of frames of random sizes up to most. Both sides know them by the seed.
type stream struct {
	frames, most int
}

func (s stream) sizes() func() int {
	rnd := rand.New(rand.NewPCG(uint64(s.frames), uint64(s.most)))
	return func() int { return 1 + rnd.IntN(s.most) }
}

func (s stream) run(t *testing.T, g *rig, hold int) {
	done := make(chan error)
	go func() { done <- s.write(g.w) }()
	var held []zerobuffer.Frame
	next, count := s.sizes(), 0
	for f, err := range g.r.Frames(context.Background()) {
		require.NoError(t, err)
		count++
		b := f.Bytes()
		if n := next(); len(b) != n || f.Sequence() != uint64(count) {
			t.Fatalf("frame %d has number %d and %d bytes, expected %d",
				count, f.Sequence(), len(b), n)
		}
		for _, c := range b {
			if c != byte(count) {
				t.Fatalf("frame %d holds %d", count, c)
			}
		}
		if held = append(held, f); len(held) > hold {
			held[0].Release()
			held = held[1:]
		}
	}
	require.NoError(t, <-done)
	require.Equal(t, s.frames, count)
	for _, f := range held {
		f.Release()
	}
	require.Equal(t, g.r.Stats().PayloadSize, g.r.Stats().PayloadFree)
}

// write fills the frames in place, by a copy and in batches, in turn.
func (s stream) write(w *zerobuffer.Writer) error {
	next, ctx := s.sizes(), context.Background()
	for i := 1; i <= s.frames; i++ {
		n := next()
		data := make([]byte, n)
		for j := range data {
			data[j] = byte(i)
		}
		var err error
		switch i % 3 {
		case 0:
			err = w.WriteFrame(ctx, data[:n/2], data[n/2:])
		case 1:
			_, err = w.WriteBatch(ctx, [][]byte{data})
		case 2:
			var b []byte
			if b, err = w.Reserve(ctx, n); err == nil {
				copy(b, data)
				err = w.Commit(n)
			}
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}
