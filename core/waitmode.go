package zerobuffer

// WaitMode says how a [Reader] or a [Writer] waits for the other side.
type WaitMode uint8

const (
	// WaitAdaptive spins for a short time and then blocks in the kernel.
	WaitAdaptive WaitMode = iota
	// WaitBlock blocks in the kernel at once.
	WaitBlock
	// WaitSpin never blocks: it takes a processor for itself while it waits.
	WaitSpin
)
