package zerobuffer_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func TestFrameZeroValue(t *testing.T) {
	t.Parallel()
	var f zerobuffer.Frame
	f.Release()
	require.False(t, f.Valid())
	require.Nil(t, f.Bytes())
	require.Zero(t, f.Len())
	require.Zero(t, f.Sequence())
	require.Nil(t, f.Pointer())
}

func TestFrameIsViewOfMemory(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(5, 'a')
	g.write(5, 'b')
	f := g.read()
	b := f.Bytes()
	require.Equal(t, "aaaaa", string(b))
	require.Equal(t, len(b), cap(b), "append could reach the next frame")
	require.Equal(t, 5, f.Len())
	require.Equal(t, unsafe.Pointer(&g.payload()[16]), f.Pointer(), "the frame was copied")
	b[0] = 'x' // mutable in place
	require.Equal(t, "xaaaa", string(g.payload()[16:21]))
	_ = append(b, 'y')
	require.Equal(t, "bbbbb", string(g.read().Bytes()))
}

func TestFrameDo(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(3, 'a')
	f := g.read()
	refused := errors.New("refused")
	require.ErrorIs(t, f.Do(func(b []byte) error {
		require.Equal(t, "aaa", string(b))
		return refused
	}), refused)
	require.NoError(t, f.Do(func([]byte) error { f.Release(); return nil }))
	require.ErrorIs(t, f.Do(nil), zerobuffer.ErrReleased)
	require.ErrorIs(t, zerobuffer.Frame{}.Do(nil), zerobuffer.ErrReleased)
}

func TestFrameReleaseTakesBytes(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(5, 'a')
	f := g.read()
	other := f
	require.True(t, f.Valid())
	f.Release()
	for _, f := range []zerobuffer.Frame{f, other} {
		require.False(t, f.Valid())
		require.Nil(t, f.Bytes())
		require.Nil(t, f.Pointer())
	}
	require.Equal(t, uint64(1024), g.r.Stats().PayloadFree)
}

// TestFrameLateReleaseSparesSuccessor releases each frame again when its place, and the memory
// that keeps account of it, belong to a later frame.
func TestFrameLateReleaseSparesSuccessor(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	var old []zerobuffer.Frame
	for i := range 200 { // there are 64 places at first
		g.write(100, byte(i))
		f := g.read()
		for _, o := range old {
			o.Release()
		}
		require.True(t, f.Valid())
		require.Equal(t, 1, g.r.Stats().Held)
		require.Equal(t, bytes.Repeat([]byte{byte(i)}, 100), f.Bytes())
		require.Less(t, g.r.Stats().PayloadFree, uint64(1024))
		f.Release()
		require.Equal(t, uint64(1024), g.r.Stats().PayloadFree)
		old = append(old, f)
	}
}

// TestReaderReleaseOutOfOrder releases the frames of a ring in random order. Space and read_pos
// must always stand right before the first frame that is still held.
func TestReaderReleaseOutOfOrder(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		g.write(g.w.MaxFrameSize(), 0) // takes the writer back to offset 0
		g.readRelease(1)
		frames := make([]zerobuffer.Frame, 8)
		ends := make([]uint64, 9)
		for i := range frames {
			n := 1 + rnd.IntN(100)
			g.write(n, byte(i))
			frames[i] = g.read()
			ends[i+1] = ends[i] + 16 + uint64(n)
		}
		released := 0
		for _, i := range rnd.Perm(len(frames)) {
			frames[i].Release()
			for released < len(frames) && !frames[released].Valid() {
				released++
			}
			free, pos := g.oieb().PayloadFree.Load(), g.oieb().ReadPos.Load()
			if want := 1024 - (ends[8] - ends[released]); free != want {
				t.Fatalf("%d bytes are free after %d frames, expected %d", free, released, want)
			}
			if want := ends[released]; released > 0 && pos != want {
				t.Fatalf("read_pos is %d after %d frames, expected %d", pos, released, want)
			}
			if released < 8 && frames[released].Bytes()[0] != byte(released) {
				t.Fatalf("frame %d was overwritten", released)
			}
		}
	}
	require.Zero(t, g.r.Stats().Held)
}

// TestReaderReleaseConcurrentSafe releases frames from several goroutines, each twice, while the
// reader reads on and the writer writes on.
func TestReaderReleaseConcurrentSafe(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	const n, workers = 2000, 4
	released := make(chan zerobuffer.Frame, 4)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for f := range released {
				if b := f.Bytes(); b[0] != byte(f.Sequence()) || b[len(b)-1] != b[0] {
					t.Errorf("frame %d was overwritten while held", f.Sequence())
				}
				f.Release()
				f.Release()
			}
		})
	}
	all.Go(func() {
		for i := range n {
			b := bytes.Repeat([]byte{byte(i + 1)}, 1+i%150)
			if err := g.w.WriteFrame(t.Context(), b); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range n {
		f, err := g.r.ReadFrame(t.Context())
		require.NoError(t, err)
		if f.Sequence() != uint64(i+1) {
			t.Fatalf("frame %d came, expected %d", f.Sequence(), i+1)
		}
		released <- f
	}
	close(released)
	all.Wait()
	free := &g.oieb().PayloadFree
	require.Eventually(t, func() bool { return free.Load() == 1024 }, 10*time.Second,
		time.Millisecond, "space goes back some milliseconds later while frames come fast")
	require.Zero(t, g.r.Stats().Held)
}
