package zerobuffer

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// logBurst is how many lines of a Reader or Writer may come at once, far more than there are in
	// the life of a buffer with peers that keep to the rules.
	logBurst = 200
	// logEvery is how long it takes until there is room for one more.
	logEvery = 100 * time.Millisecond
)

// limitLog returns a logger that leaves out what goes beyond a steady rate: a hostile peer could
// otherwise fill a log, for example with a PID that it changes all the time.
func limitLog(l *slog.Logger) *slog.Logger {
	return slog.New(limitedHandler{l.Handler(), &logBudget{now: time.Now}})
}

// limitedHandler hands on what its budget allows.
type limitedHandler struct {
	slog.Handler
	budget *logBudget
}

func (h limitedHandler) Handle(ctx context.Context, rec slog.Record) error {
	ok, leftOut := h.budget.spend()
	if !ok {
		return nil
	}
	if leftOut > 0 {
		rec = rec.Clone()
		rec.AddAttrs(slog.Int("lines_left_out_before", leftOut))
	}
	return h.Handler.Handle(ctx, rec)
}

func (h limitedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return limitedHandler{h.Handler.WithAttrs(attrs), h.budget}
}

func (h limitedHandler) WithGroup(name string) slog.Handler {
	return limitedHandler{h.Handler.WithGroup(name), h.budget}
}

// logBudget is how many lines may still be written.
type logBudget struct {
	now func() time.Time

	mu      sync.Mutex
	spent   int       // of logBurst
	leftOut int       // since the last line
	since   time.Time // when spent was reckoned
}

// spend takes a line from the budget, and returns how many did not get one before it.
func (b *logBudget) spend() (ok bool, leftOut int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if gained := int(min(now.Sub(b.since)/logEvery, logBurst)); gained > 0 {
		b.spent -= min(b.spent, gained)
		b.since = now
	}
	if b.spent >= logBurst {
		b.leftOut++
		return false, 0
	}
	b.spent++
	leftOut, b.leftOut = b.leftOut, 0
	return true, leftOut
}
