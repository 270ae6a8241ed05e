package zerobuffer_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/internal/guarded"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// enemyReader returns a Reader in front of an enemy that does nothing yet.
func enemyReader(t *testing.T, opts zerobuffer.ReaderOptions) (*enemy, *zerobuffer.Reader) {
	t.Helper()
	e := newEnemy(guarded.New(t, enemySegment), peerAlive, nil)
	opts.MetadataSize, opts.PayloadSize = enemyMetadata, enemyPayload
	r, err := zerobuffer.NewReader(e, "r", &opts)
	require.NoError(t, err)
	e.oieb().WriterPID.Store(e.pid) // a writer that lives
	t.Cleanup(func() {
		e.hook = nil
		require.NoError(t, r.Close())
	})
	return e, r
}

// oieb is the OIEB of the enemy's segment.
func (e *enemy) oieb() *layout.OIEB {
	o, _ := layout.View(e.mem)
	return o
}

// modes runs a test in a bubble for each wait mode.
func modes(t *testing.T, test func(t *testing.T, mode zerobuffer.WaitMode)) {
	for mode := zerobuffer.WaitAdaptive; mode <= zerobuffer.WaitSpin; mode++ {
		t.Run(mode.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T) { test(t, mode) })
		})
	}
}

// A peer that posts tokens without end, for no frames, holds no read beyond its time, and no Close.
func TestReadEndsDespiteTokens(t *testing.T) {
	modes(t, func(t *testing.T, mode zerobuffer.WaitMode) {
		opts := zerobuffer.ReaderOptions{ReadTimeout: enemyTimeout, Wait: mode}
		e, r := enemyReader(t, opts)
		e.hook = func() { e.data.word.Store(1) }
		within(t, enemyTimeout, "ReadFrame", func() {
			_, err := r.ReadFrame(t.Context())
			require.ErrorIs(t, err, zerobuffer.ErrTimeout)
		})
		require.NoError(t, r.Close())
		e, r = enemyReader(t, zerobuffer.ReaderOptions{Wait: mode})
		e.hook = func() { e.data.word.Store(1) }
		ended := make(chan error)
		go func() { _, err := r.ReadFrame(t.Context()); ended <- err }()
		time.Sleep(10 * enemyTimeout)
		within(t, 0, "Close", func() { require.NoError(t, r.Close()) })
		require.ErrorIs(t, <-ended, zerobuffer.ErrClosed)
	})
}

// The same for a write: tokens that give no space.
func TestWriteEndsDespiteTokens(t *testing.T) {
	modes(t, func(t *testing.T, mode zerobuffer.WaitMode) {
		full := func(timeout time.Duration) *zerobuffer.Writer {
			e, _ := enemyReader(t, zerobuffer.ReaderOptions{})
			e.oieb().WriterPID.Store(0)
			w, err := zerobuffer.NewWriter(e, "w", &zerobuffer.WriterOptions{
				WriteTimeout: timeout, Wait: mode,
			})
			require.NoError(t, err)
			t.Cleanup(func() { _ = w.Close() })
			for ok := true; ok; {
				ok, err = w.TryWriteFrame(zeros[:50])
				require.NoError(t, err)
			}
			e.hook = func() { e.space.word.Store(1) }
			return w
		}
		w := full(enemyTimeout)
		within(t, enemyTimeout, "WriteFrame", func() {
			require.ErrorIs(t, w.WriteFrame(t.Context(), zeros[:50]), zerobuffer.ErrBufferFull)
		})
		ctx, cancel := context.WithTimeout(t.Context(), enemyTimeout/2)
		defer cancel()
		within(t, enemyTimeout/2, "WriteFrame", func() {
			require.ErrorIs(t, w.WriteFrame(ctx, zeros[:50]), context.DeadlineExceeded)
		})
		require.NoError(t, w.Close())
		w = full(0)
		ended := make(chan error)
		go func() { ended <- w.WriteFrame(t.Context(), zeros[:50]) }()
		time.Sleep(10 * enemyTimeout)
		within(t, enemyClose, "Close", func() { require.NoError(t, w.Close()) })
		require.ErrorIs(t, <-ended, zerobuffer.ErrClosed)
	})
}

// A writer that publishes a frame whenever one was read has no end.
func TestLatestEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, r := enemyReader(t, zerobuffer.ReaderOptions{ReadTimeout: enemyTimeout})
		o, payload := e.oieb(), e.mem[layout.OIEBSize+enemyMetadata:]
		const frame = 32 // 16 of them are the ring
		var n uint64
		e.hook = func() {
			if n > r.FramesRead() {
				return
			}
			at := n % (enemyPayload / frame) * frame
			n++
			binary.LittleEndian.PutUint64(payload[at:], frame-layout.HeaderSize)
			binary.LittleEndian.PutUint64(payload[at+8:], n)
			o.WritePos.Store((at + frame) % enemyPayload)
			e.data.word.Store(1)
		}
		var seen uint64
		for range 10 {
			f, err := r.Latest(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, f.Sequence()-seen, uint64(enemyPayload/frame), "a ringful at most")
			seen = f.Sequence()
			f.Release()
		}
	})
}

// changing makes the enemy store another PID at each step: that of a dead process if it is even.
func (e *enemy) changing(first uint64) {
	pid, o := first, e.oieb()
	e.hook = func() { pid += 2; o.WriterPID.Store(pid) }
}

func TestReaderSurvivesChangingWriterPID(t *testing.T) {
	for name, first := range map[string]uint64{"dead": 1000, "alive": 1001} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				log := new(logbook)
				e, r := enemyReader(t, zerobuffer.ReaderOptions{
					ReadTimeout: enemyTimeout, Logger: log.logger(),
				})
				e.changing(first)
				for range 1000 {
					_, _, err := r.TryReadFrame()
					require.NoError(t, err)
				}
				within(t, enemyTimeout, "ReadFrame", func() {
					_, err := r.ReadFrame(t.Context())
					require.ErrorIs(t, err, zerobuffer.ErrTimeout)
				})
				require.LessOrEqual(t, len(log.all()), 250)
			})
		})
	}
}

func TestNewWriterGivesUpChangingWriterPID(t *testing.T) {
	for name, surplus := range map[string]uint64{"fresh": 0, "used": 1} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				e, _ := enemyReader(t, zerobuffer.ReaderOptions{})
				e.oieb().WriterPID.Store(0)
				e.oieb().WrittenCount.Store(surplus) // with writer_pid 0: look for surplus tokens
				e.changing(1000)
				within(t, enemyAttach, "NewWriter", func() {
					_, err := zerobuffer.NewWriter(e, "w", nil)
					require.ErrorIs(t, err, zerobuffer.ErrCorrupt)
					require.ErrorContains(t, err, "writer_pid changes all the time")
				})
			})
		})
	}
}

// Each write puts writer_pid back and says so in the log, which must not be filled by that.
func TestWriterPIDTakenAwayAgainAndAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, _ := enemyReader(t, zerobuffer.ReaderOptions{})
		e.oieb().WriterPID.Store(0)
		log := new(logbook)
		w, err := zerobuffer.NewWriter(e, "w", &zerobuffer.WriterOptions{Logger: log.logger()})
		require.NoError(t, err)
		o := e.oieb()
		for range 2000 {
			o.WriterPID.Store(0)
			_, err := w.TryWriteFrame(zeros[:10])
			require.NoError(t, err)
		}
		n := len(log.all())
		require.Greater(t, n, 100, "it is said")
		require.LessOrEqual(t, n, 250)
		time.Sleep(time.Minute)
		require.NoError(t, w.Close())
		require.Len(t, log.all(), n+1, "there is room again after a while")
	})
}

// What was left out is counted in the next line.
func TestLogSaysHowManyLinesWereLeftOut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var last int64
		h := &attrHandler{attr: "lines_left_out_before", value: &last}
		e, r := enemyReader(t, zerobuffer.ReaderOptions{Logger: slog.New(h)})
		pid := uint64(1)
		for range 500 { // one line each
			pid += 2
			e.oieb().WriterPID.Store(pid)
			_, _, err := r.TryReadFrame()
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		require.NoError(t, r.Close())
		require.InDelta(t, 300, last, 10)
	})
}

// attrHandler notes the value of one attribute.
type attrHandler struct {
	attr  string
	value *int64
}

func (h *attrHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *attrHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *attrHandler) WithGroup(string) slog.Handler            { return h }

func (h *attrHandler) Handle(_ context.Context, rec slog.Record) error {
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key == h.attr {
			*h.value = a.Value.Int64()
		}
		return true
	})
	return nil
}

// A length that a peer wrote is no reason to allocate it.
func TestMetadataLengthIsNotAllocated(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, r := enemyReader(t, zerobuffer.ReaderOptions{})
		for _, n := range []uint64{1 << 60, 1 << 40, 57, 1<<64 - 1, 1<<64 - 8} {
			for _, written := range []uint64{n, n + 7, 64, 1 << 60, 1<<64 - 1} {
				e.oieb().MetadataWritten.Store(written)
				binary.LittleEndian.PutUint64(e.mem[layout.OIEBSize:], n)
				_, err := r.Metadata()
				require.ErrorIs(t, err, zerobuffer.ErrCorrupt)
			}
		}
	})
}
