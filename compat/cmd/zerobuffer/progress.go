package main

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressDelay is how long a run has to last before it shows progress.
const progressDelay = time.Second

// startProgress shows a bar on stderr, if that is a terminal and the run is long, until stop is
// called. The number of frames that are done is read from done.
func (e *env) startProgress(o *commonOptions, what string, total frameCount, done *atomic.Int64) (
	stop func(),
) {
	file, ok := e.stderr.(*os.File)
	if !ok || o.JSONOutput || o.Verbose || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	return showProgress(file, what, total, done, progressDelay)
}

func showProgress(w io.Writer, what string, total frameCount, done *atomic.Int64,
	delay time.Duration,
) (stop func()) {
	quit := make(chan struct{})
	var finished sync.WaitGroup
	finished.Go(func() {
		select {
		case <-quit:
			return
		case <-time.After(delay):
		}
		bar := progressbar.NewOptions64(max(int64(total), -1),
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetItsString("frames"),
			progressbar.OptionShowIts(),
			progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(),
			// Set64 moves the spinner of a run without end; by itself it would never stop.
			progressbar.OptionSetSpinnerChangeInterval(0),
		)
		ticks := time.NewTicker(100 * time.Millisecond)
		defer ticks.Stop()
		for {
			_ = bar.Set64(done.Load()) // a terminal that is gone must not end the transfer
			select {
			case <-quit:
				_ = bar.Clear()
				return
			case <-ticks.C:
			}
		}
	})
	return sync.OnceFunc(func() {
		close(quit)
		finished.Wait()
	})
}
