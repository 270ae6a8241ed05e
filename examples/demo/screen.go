package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
)

// screen prints the demo's results.
type screen struct {
	w          io.Writer
	bold, dim  string
	resetStyle string
}

func newScreen(w io.Writer) *screen {
	s := &screen{w: w}
	file, ok := w.(*os.File)
	if ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == "" {
		s.bold, s.dim, s.resetStyle = "\x1b[1m", "\x1b[2m", "\x1b[0m"
	}
	return s
}

func (s *screen) line(style, format string, args ...any) {
	reset := s.resetStyle
	if style == "" {
		reset = ""
	}
	_, _ = fmt.Fprintf(s.w, style+format+reset+"\n", args...)
}

const columns = "%-12s %8s %9s %7s   %9s %9s %9s %10s %5s"

func (s *screen) header() {
	s.line(s.bold, "ZeroBuffer: %dx%d video, %s, %s bytes a frame, from process to process",
		format.Width, format.Height, format.Pixels, measure.Count(int64(format.FrameSize())))
	s.line("", "")
	s.line(s.dim, columns, "", "frames", "frames/s", "GB/s",
		"p50", "p99", "p99.9", "hand-over", "lost")
}

// row prints a phase.
func (s *screen) row(p phase, o *outcome) {
	rate := o.rate()
	l := o.latency.Summary()
	s.line("", columns, p.title,
		measure.Count(int64(o.read)),
		measure.Count(int64(rate+0.5)),
		fmt.Sprintf("%.2f", rate*float64(format.FrameSize())/1e9),
		measure.Duration(l.P50), measure.Duration(l.P99), measure.Duration(l.P999),
		measure.Duration(o.handover.At(50)),
		measure.Count(o.lost()))
}

func (s *screen) footer() {
	s.line("", "")
	s.line("", "p50, p99, p99.9: from the first byte written until the other side has the frame;")
	s.line("", "at full speed most of it is the queue in the ring. hand-over: the part after the")
	s.line("", "last byte was written (p50). Every byte of every frame was compared.")
	s.line("", "")
	s.line(s.bold, "Next")
	s.line("", "  two terminals  go run ./compat/cmd/zerobuffer reader camera --verify sequential")
	s.line("", "                 go run ./compat/cmd/zerobuffer writer camera")
	s.line("", "  tests          go tool mage test")
	s.line("", "  benchmarks     go run ./compat/benchmarks/cmd/bench")
	s.line("", "  documentation  docs/")
}

func (s *screen) note(text string) { s.line("", "\n%s", text) }
