//go:build !amd64 || race

package release

import "sync/atomic"

// Store uses the store of sync/atomic: on arm64 it is a release store, and the race detector has to
// see it.
func Store(p *atomic.Uint64, v uint64) { p.Store(v) }
