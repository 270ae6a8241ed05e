// Command zerobuffer writes, reads and relays frames through shared memory: known patterns for
// tests side by side with the tools of other languages, or raw frames from and to a pipe.
//
//	zerobuffer reader camera --verify sequential &
//	zerobuffer writer camera
//
// Run it with --help for the options.
//
// Exit codes: 0 success, 1 the buffer could not be made or connected, 2 a read or a write failed
// or timed out, 3 bad arguments, 4 what was read is not what was expected.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A closed pipe has to be an error of a write: the signal would end the process, and its
	// objects in shared memory would stay.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// The second signal ends the process at once, should the first one not do.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
