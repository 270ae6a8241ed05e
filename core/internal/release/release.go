// Package release stores into words that only one goroutine, or one process, writes: a release
// store, as C11 names it. Everything that the goroutine has loaded and stored before is visible to
// whoever loads the new value. It is weaker than the Store of sync/atomic, which also keeps later
// loads behind it and pays for that with a locked instruction on amd64.
//
// Where a later load must not come first (a look whether somebody waits), the next atomic addition
// or exchange is the barrier, and the caller says so.
package release

import "sync/atomic"

// Add adds n to a counter that the caller alone writes; others may load it at any time.
func Add(p *atomic.Uint64, n uint64) { Store(p, p.Load()+n) }
