package zerobuffer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// allocCases are the paths on which nothing may be allocated. Each prepares its rig and returns
// what is measured. The rings are small, so that wraps and starts at 0 are among the runs.
var allocCases = map[string]func(t *testing.T, g *rig) func(){
	"write-read-release": func(t *testing.T, g *rig) func() {
		data, ctx := make([]byte, 100), context.Background()
		return func() {
			require.NoError(t, g.w.WriteFrame(ctx, data))
			f, err := g.r.ReadFrame(ctx)
			require.NoError(t, err)
			f.Release()
		}
	},
	"try": func(t *testing.T, g *rig) func() {
		data := make([]byte, 100)
		return func() {
			ok, err := g.w.TryWriteFrame(data)
			f, got, readErr := g.r.TryReadFrame()
			if !ok || !got || err != nil || readErr != nil {
				t.Fatal(ok, got, err, readErr)
			}
			f.Release()
		}
	},
	"try-in-vain": func(t *testing.T, g *rig) func() {
		data := make([]byte, 1008)
		g.write(10, 'a')
		g.read()
		return func() {
			ok, err := g.w.TryWriteFrame(data)
			_, got, readErr := g.r.TryReadFrame()
			if ok || got || err != nil || readErr != nil {
				t.Fatal(ok, got, err, readErr)
			}
		}
	},
	"gather": func(t *testing.T, g *rig) func() {
		head, data, ctx := make([]byte, 24), make([]byte, 100), context.Background()
		return func() {
			require.NoError(t, g.w.WriteFrame(ctx, head, data))
			g.read().Release()
		}
	},
	"wrap": func(t *testing.T, g *rig) func() {
		data := make([]byte, 300)
		g.write(300, 'a')
		return func() { // one frame is always unread, so each lap of three ends in a wrap
			ok, err := g.w.TryWriteFrame(data)
			if !ok || err != nil {
				t.Fatal(ok, err)
			}
			g.read().Release()
		}
	},
	"batch": func(t *testing.T, g *rig) func() {
		data, frames := numbered(8, 50), make([]zerobuffer.Frame, 8)
		ctx := context.Background()
		return func() {
			n, err := g.w.WriteBatch(ctx, data)
			m, readErr := g.r.ReadBatch(ctx, frames)
			if n != 8 || m != 8 || err != nil || readErr != nil {
				t.Fatal(n, m, err, readErr)
			}
			for _, f := range frames {
				f.Release()
			}
		}
	},
	"release-out-of-order": func(t *testing.T, g *rig) func() {
		data, frames := numbered(4, 50), make([]zerobuffer.Frame, 4)
		ctx := context.Background()
		return func() {
			_, err := g.w.WriteBatch(ctx, data)
			require.NoError(t, err)
			_, err = g.r.ReadBatch(ctx, frames)
			require.NoError(t, err)
			for _, i := range [...]int{2, 0, 3, 1, 2} {
				frames[i].Release()
			}
		}
	},
	"reserve-commit": func(t *testing.T, g *rig) func() {
		ctx := context.Background()
		return func() {
			b, err := g.w.Reserve(ctx, 100)
			require.NoError(t, err)
			b[0] = 1
			require.NoError(t, g.w.Commit(50))
			_, err = g.w.Reserve(ctx, 100)
			require.NoError(t, err)
			require.NoError(t, g.w.Abort())
			g.read().Release()
		}
	},
	"latest": func(t *testing.T, g *rig) func() {
		ctx := context.Background()
		return func() {
			g.write2(t)
			f, err := g.r.Latest(ctx)
			require.NoError(t, err)
			f.Release()
		}
	},
	"read-time-out": func(t *testing.T, g *rig) func() {
		return func() {
			if _, err := g.r.ReadFrame(context.Background()); err == nil {
				t.Fatal("no time-out")
			}
		}
	},
	"write-time-out": func(t *testing.T, g *rig) func() {
		g.fill(100)
		data := make([]byte, 100)
		return func() {
			if err := g.w.WriteFrame(context.Background(), data); err == nil {
				t.Fatal("no time-out")
			}
		}
	},
	"cancelled-read": func(t *testing.T, g *rig) func() {
		return cancelled(g.raw().DataReady(), func(ctx context.Context) {
			if _, err := g.r.ReadFrame(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		})
	},
	"cancelled-write": func(t *testing.T, g *rig) func() {
		g.fill(100)
		data := make([]byte, 100)
		return cancelled(g.raw().SpaceReady(), func(ctx context.Context) {
			if err := g.w.WriteFrame(ctx, data); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		})
	},
}

const allocRuns = 100

// cancelled returns a function that runs call with a context that ends when call sleeps on s. The
// contexts, and their channels, are made beforehand.
func cancelled(s driver.Semaphore, call func(context.Context)) func() {
	type ending struct {
		ctx    context.Context
		cancel context.CancelFunc
	}
	var contexts []ending
	for range allocRuns + 1 {
		ctx, cancel := context.WithCancel(context.Background())
		_ = ctx.Done()
		contexts = append(contexts, ending{ctx, cancel})
	}
	begin := make(chan context.CancelFunc)
	go func() {
		for range allocRuns + 1 {
			cancel := <-begin
			awaitBlocked(s)
			cancel()
		}
	}()
	return func() {
		c := contexts[0]
		contexts = contexts[1:]
		begin <- c.cancel
		call(c.ctx)
	}
}

var oneFrame = make([]byte, 100)

// write2 writes two frames.
func (g *rig) write2(t *testing.T) {
	for range 2 {
		if ok, err := g.w.TryWriteFrame(oneFrame); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
}

// TestNoAllocations runs each path, and counts when the race detector does not count along.
func TestNoAllocations(t *testing.T) {
	for name, prepare := range allocCases {
		t.Run(name, func(t *testing.T) {
			run := prepare(t, newRig(t,
				zerobuffer.ReaderOptions{ReadTimeout: timeoutOf(name)},
				zerobuffer.WriterOptions{WriteTimeout: timeoutOf(name)}))
			if n := testing.AllocsPerRun(allocRuns, run); n != 0 && !raceEnabled {
				t.Errorf("%v allocations a run", n)
			}
		})
	}
}

// timeoutOf gives a time-out to the cases that wait for it.
func timeoutOf(name string) time.Duration {
	switch name {
	case "read-time-out", "write-time-out":
		return 100 * time.Microsecond
	}
	return 0
}
