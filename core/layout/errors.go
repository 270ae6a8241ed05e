package layout

import "errors"

// What [Attach] finds wrong with a segment.
var (
	// ErrNotReady says that the reader has not finished making the segment: try again.
	ErrNotReady = errors.New("segment is not ready yet")
	// ErrIncompatible says that the segment is no buffer of protocol version 1, or that its
	// numbers do not fit its size.
	ErrIncompatible = errors.New("not a compatible ZeroBuffer segment")
)
