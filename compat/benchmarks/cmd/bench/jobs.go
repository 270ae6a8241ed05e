package main

import (
	"path/filepath"
	"slices"
	"strconv"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// Transports that are not buffers of ours, as tables name them.
const (
	barePingPong  = "bare ping-pong"
	futexPingPong = "futex ping-pong"
	bareSlotRing  = "bare slot ring"
	bareTransfer  = "bare transfer"
	memcpy        = "memcpy"
	unixSocket    = "unix socket"
	pipe          = "pipe"
	tcp           = "tcp"
	shmipcGo      = "shmipc-go"
	python        = "python"
	goPython      = "go-python" // Go sends or asks first
	pythonGo      = "python-go"
)

const (
	small   = 64
	video   = 3_110_400 // a frame of 1080p in yuv420p
	bigRing = 256 << 20
	// mostTransfer is the most bytes of a bare transfer's region.
	mostTransfer = 32 << 20
	batch        = 32
)

// allocsFrame is the metric that only our buffers have, and only in these measures.
const allocsFrame = "allocs/frame"

var allocsMeasures = []string{roundTrip, oneWay, "reserve"}

// transportNames are all transports that are not ours, as the command line names them.
func transportNames() []string {
	names := []string{
		barePingPong, futexPingPong, bareSlotRing, bareTransfer, memcpy, unixSocket, pipe, tcp,
		shmipcGo, python, goPython, pythonGo,
	}
	for i, name := range names {
		names[i] = dashed(name)
	}
	return names
}

// job is one measurement of several transports that are compared.
type job struct {
	measure    string
	size, rate int
	roles      [2]string // of the process that comes first, and of the other one
	metrics    []string
	longer     int // how many times the duration
	entrants   []entrant
}

// entrant is one transport in a job.
type entrant struct {
	transport string
	side      side      // what both processes have in common, if it is no limit
	python    [2]bool   // which of the two is Python
	limit     []string  // a C program and what follows size or time in its arguments
	metrics   []string  // if they are others than those of the job
	roles     [2]string // likewise
	which     string    // added to the transport in reports
}

// ours is a buffer of the given kind.
func ours(k kind, wait waitMode) entrant {
	suffix := [...]string{
		zerobuffer.WaitAdaptive: "", zerobuffer.WaitBlock: " block", zerobuffer.WaitSpin: " spin",
	}[wait]
	return entrant{
		transport: k.label + suffix, side: side{Means: meansRing, Address: k.address, Wait: wait},
	}
}

// isOurs tells whether both sides are programs of ours that move frames through a buffer.
func (e entrant) isOurs() bool { return e.side.Means == meansRing && e.python == [2]bool{} }

func (e entrant) ring(n int64) entrant {
	e.side.Ring = n
	return e
}

func (e entrant) batch(n int) entrant {
	e.side.Batch = n
	return e
}

func stream(transport string) entrant {
	means := meansSocket
	if transport == pipe {
		means = meansPipe
	}
	return entrant{transport: transport, side: side{Means: means}}
}

// shmipc has its sockets in the directory of the run.
func (b *bench) shmipc() entrant {
	address := b.dir + string(filepath.Separator)
	return entrant{transport: shmipcGo, side: side{Means: meansShmipc, Address: address}}
}

func limit(transport, program string, args ...string) entrant {
	return entrant{transport: transport, limit: append([]string{program}, args...)}
}

// jobs lists what the options ask for. Jobs without a transport are left out.
func (b *bench) jobs() []job {
	all := slices.Concat(b.roundTrips(), b.oneWays(), b.reserves(), b.paced(), b.idles(), b.loads())
	var jobs []job
	for _, j := range all {
		j.longer = max(j.longer, 1)
		j.entrants = slices.DeleteFunc(j.entrants, func(e entrant) bool { return !b.can(e) })
		if b.wants(j.measure) && len(j.entrants) > 0 {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// can tells whether a transport was asked for and is there.
func (b *bench) can(e entrant) bool {
	switch {
	case !b.takes(e.transport):
		return false
	case e.limit != nil:
		return b.programs != ""
	case e.python[0] || e.python[1]:
		return b.python != ""
	case e.side.Means == meansShmipc:
		return haveShmipc
	default:
		return e.side.Means == meansRing || haveStreams
	}
}

func (b *bench) roundTrips() []job {
	var jobs []job
	for _, size := range b.Sizes {
		j := job{
			measure: roundTrip, size: size, roles: [2]string{"ask", "echo"},
			metrics: []string{"p50", "p99", "p99.9"},
		}
		for _, k := range b.kinds {
			adaptive := ours(k, zerobuffer.WaitAdaptive)
			j.entrants = append(j.entrants, adaptive, adaptive.ring(bigRing),
				ours(k, zerobuffer.WaitBlock), ours(k, zerobuffer.WaitSpin))
		}
		if size == small {
			j.entrants = append(j.entrants, limit(barePingPong, "ping-pong"),
				limit(futexPingPong, "futex-ping-pong"))
		} else {
			j.entrants = append(j.entrants, limit(bareTransfer, "transfer", strconv.Itoa(size), "0"))
		}
		j.entrants = append(j.entrants, stream(unixSocket), stream(pipe), stream(tcp), b.shmipc())
		j.entrants = append(j.entrants, pythons(0)...)
		jobs = append(jobs, j)
	}
	return jobs
}

func (b *bench) oneWays() []job {
	var jobs []job
	for _, size := range b.Sizes {
		j := job{
			measure: oneWay, size: size, roles: [2]string{"receive", "send"},
			metrics: []string{"frames/s", "GB/s", "cpu/frame"},
		}
		for _, k := range b.kinds {
			adaptive := ours(k, zerobuffer.WaitAdaptive)
			j.entrants = append(j.entrants, adaptive, adaptive.ring(bigRing), adaptive.batch(batch),
				ours(k, zerobuffer.WaitBlock), ours(k, zerobuffer.WaitSpin))
		}
		j.entrants = append(j.entrants, limitsOneWay(size)...)
		j.entrants = append(j.entrants, stream(unixSocket), stream(pipe), stream(tcp), b.shmipc())
		if n := bufferSize / size; n > 1 {
			j.entrants = append(j.entrants, stream(unixSocket).batch(n))
		}
		j.entrants = append(j.entrants, pythons(1)...)
		jobs = append(jobs, j)
	}
	return jobs
}

// limitsOneWay are slots for small frames. For large ones it depends on the machine how many places
// are best: the best one counts. Where caches of cores are slow to give changed lines away it is so
// many that those are in a shared cache when they are read.
func limitsOneWay(size int) []entrant {
	text := strconv.Itoa(size)
	all := []entrant{limit(memcpy, "memcpy", text)}
	if size <= 4<<10 {
		all = append(all, limit(bareSlotRing, "slot-ring", text))
	} else {
		for _, places := range []int{1, 2, 4, 8, 64} {
			if places*size > mostTransfer {
				break
			}
			e := limit(bareTransfer, "transfer", text, strconv.Itoa(places))
			all = append(all, e.ring(int64(places*size)))
		}
	}
	for i := range all {
		all[i].metrics = []string{"frames/s", "GB/s"}
	}
	return all
}

func (b *bench) reserves() []job {
	j := job{
		measure: "reserve", size: video, roles: [2]string{"receive", "send"},
		metrics: []string{"ns/frame"},
	}
	for _, k := range b.kinds {
		e := ours(k, zerobuffer.WaitAdaptive)
		e.side.ZeroCopy = true
		j.entrants = append(j.entrants, e, e.ring(bigRing))
	}
	return []job{j}
}

// pythons are the Python peer with itself and with ours. first tells which of the two processes
// sends first.
func pythons(first int) []entrant {
	var fromGo, fromPython [2]bool
	fromGo[1-first] = true
	fromPython[first] = true
	var all []entrant
	for _, p := range []struct {
		name   string
		python [2]bool
	}{{python, [2]bool{true, true}}, {goPython, fromGo}, {pythonGo, fromPython}} {
		all = append(all, entrant{
			transport: p.name, python: p.python, side: side{Means: meansRing, Address: "posix:"},
		})
	}
	return all
}
