//go:build !linux

package measure

import "time"

// systemClock reads the wall clock, the only one that processes share portably.
func systemClock() int64 { return time.Now().UnixNano() }
