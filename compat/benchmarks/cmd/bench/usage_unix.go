//go:build unix

package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// usage is the time that all threads of this process have had on processors.
func usage() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
