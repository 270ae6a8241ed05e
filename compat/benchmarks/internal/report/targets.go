package report

// key chooses figures of a report by what they measure.
type key struct {
	measure, transport, metric string
	size                       int // 0: each size that was measured
	batch                      int
	ring                       int64
	rate                       int
}

// target is what a figure of ours should come to.
type target struct {
	ours key
	// against is the transport with which ours is compared in the same measure, size and rate:
	// with the best of its figures, whatever their ring and batch. Without one, bound is a value.
	against string
	bound   float64
}

const (
	kib     = 1 << 10
	video   = 3_110_400 // a frame of 1080p in yuv420p
	bigRing = 256 << 20

	pingPong     = "bare ping-pong"
	slotRing     = "bare slot ring"
	transfer     = "bare transfer"
	futex        = "futex ping-pong"
	posix        = "posix"
	block        = "posix block"
	python       = "python"
	roundTrip    = "round trip"
	oneWay       = "one way"
	median       = "p50"
	framesSecond = "frames/s"
	gigabytes    = "GB/s"
	allocsFrame  = "allocs/frame"
)

// targets holds for an otherwise idle machine with two processors. A speed has to reach its bound,
// a time may not exceed it.
var targets = []target{
	{key{roundTrip, posix, median, 64, 0, 0, 0}, pingPong, 1.3},
	{key{roundTrip, posix, median, 64, 0, bigRing, 0}, pingPong, 1.3},
	{key{roundTrip, block, median, 64, 0, 0, 0}, futex, 1.05},
	{key{oneWay, posix, framesSecond, 64, 0, 0, 0}, slotRing, 0.3},
	{key{oneWay, posix, framesSecond, 64, 32, 0, 0}, slotRing, 0.5},
	{key{oneWay, posix, framesSecond, 64, 32, 0, 0}, "unix socket", 1},
	{key{oneWay, posix, framesSecond, kib, 0, 0, 0}, slotRing, 0.7},
	{key{oneWay, posix, gigabytes, 64 * kib, 0, 0, 0}, transfer, 0.95},
	{key{oneWay, posix, gigabytes, 64 * kib, 0, bigRing, 0}, transfer, 0.95},
	{key{oneWay, posix, gigabytes, video, 0, 0, 0}, transfer, 0.95},
	{key{oneWay, posix, gigabytes, video, 0, bigRing, 0}, transfer, 0.95},
	{key{roundTrip, posix, median, video, 0, 0, 0}, transfer, 1.05},
	{key{"reserve", posix, "ns/frame", video, 0, 0, 0}, "", 300},
	{key{roundTrip, posix, allocsFrame, 64, 0, 0, 0}, "", noAllocs},
	{key{oneWay, posix, allocsFrame, 64, 0, 0, 0}, "", noAllocs},
	{key{oneWay, posix, allocsFrame, 64, 32, 0, 0}, "", noAllocs},
	{key{"reserve", posix, allocsFrame, video, 0, 0, 0}, "", noAllocs},
	{key{"paced", posix, median, 0, 0, 0, 60}, futex, 1.15},
	{key{"paced", posix, "p99", 0, 0, 0, 60}, futex, 1.15},
	{key{"idle", posix, "cpu", 0, 0, 0, 0}, "", 0.001},
	{key{"loaded", posix, framesSecond, 0, 0, 0, 0}, block, 0.8},
	{key{"one cpu", posix, framesSecond, 0, 0, 0, 0}, block, 0.9},
	{key{roundTrip, "go-python", median, 0, 0, 0, 0}, python, 1},
	{key{roundTrip, "python-go", median, 0, 0, 0, 0}, python, 1},
	{key{oneWay, "go-python", framesSecond, 0, 0, 0, 0}, python, 1},
	{key{oneWay, "python-go", framesSecond, 0, 0, 0, 0}, python, 1},
}

// noAllocs stands for none. It is not 0: whatever the number of frames, a process makes some twenty
// objects in a run, when it waits for the first time and when the runtime starts a thread. That
// shows where frames are few, so these targets are about those that are many; the code is the same
// for all sizes. One object in a thousand frames would still be seen.
const noAllocs = 0.001

// bracket is between what a limit was when the targets were set, on the machine for which they
// were set. Where the limit is another one, the ratios may be others too.
type bracket struct {
	limit       key
	least, most float64
	when        pinning
}

// pinning says for which runs a bracket holds.
type pinning int

const (
	anyPinning pinning = iota
	pinned
	unpinned
)

var brackets = []bracket{
	{key{roundTrip, pingPong, median, 64, 0, 0, 0}, 412, 412, anyPinning},
	{key{roundTrip, futex, median, 0, 0, 0, 0}, 64_000, 64_000, pinned},
	{key{roundTrip, futex, median, 0, 0, 0, 0}, 1_900, 1_900, unpinned},
	{key{oneWay, slotRing, framesSecond, 64, 0, 0, 0}, 133e6, 133e6, anyPinning},
	{key{oneWay, slotRing, framesSecond, kib, 0, 0, 0}, 16.4e6, 16.4e6, anyPinning},
	{key{oneWay, transfer, gigabytes, 64 * kib, 0, 0, 0}, 14, 18, anyPinning},
	{key{oneWay, transfer, gigabytes, video, 0, 0, 0}, 14, 14, anyPinning},
	{key{roundTrip, transfer, median, video, 0, 0, 0}, 793_000, 793_000, anyPinning},
}

// tolerance is how far off its bracket a limit may be.
const tolerance = 0.15

// holds says whether the bracket is about this run.
func (b bracket) holds(s Settings) bool {
	return b.when == anyPinning || (b.when == pinned) == s.Pinned
}

// off says how far v is outside of the bracket: 0.2 is 20 % above, -0.2 is 20 % below.
func (b bracket) off(v float64) float64 {
	switch {
	case v > b.most:
		return v/b.most - 1
	case v < b.least:
		return v/b.least - 1
	default:
		return 0
	}
}
