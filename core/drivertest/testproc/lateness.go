package testproc

import "time"

// Lateness sleeps for a millisecond again and again until it is asked, and then tells how late the
// worst of these sleeps ended: what a busy machine does to every process. A test of a bound that is
// a promise has to allow for it.
func Lateness() (ask func() time.Duration) {
	quit, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		for {
			start := time.Now()
			time.Sleep(time.Millisecond)
			most = max(most, time.Since(start)-time.Millisecond)
			select {
			case <-quit:
				result <- most
				return
			default:
			}
		}
	}()
	return func() time.Duration { close(quit); return <-result }
}
