// Package benchmarks holds what the benchmarks run that is not written in Go: the limits, which are
// small C programs, and one side of a buffer for the Python peer. The programs that measure are
// below cmd.
package benchmarks

import "embed"

// Sources has limits/*.c with their header, and testdata/peer.py.
//
//go:embed limits/*.c limits/*.h testdata/peer.py
var Sources embed.FS
