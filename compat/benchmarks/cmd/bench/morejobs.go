package main

import (
	"slices"
	"strconv"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// paced are frames that come seldom: between two of them everybody blocks.
func (b *bench) paced() []job {
	var jobs []job
	for _, rate := range []int{30, 60, 1000} {
		j := job{
			measure: "paced", size: small, rate: rate, roles: [2]string{"watch", "pace"},
			metrics: []string{"p50", "p99", "cpu/frame"}, longer: 10,
		}
		for _, k := range b.kinds {
			j.entrants = append(j.entrants,
				ours(k, zerobuffer.WaitAdaptive), ours(k, zerobuffer.WaitBlock))
		}
		j.entrants = append(j.entrants,
			limit(futexPingPong, "futex-ping-pong", strconv.Itoa(rate)),
			stream(unixSocket), stream(pipe), b.shmipc())
		jobs = append(jobs, j)
	}
	return jobs
}

// idles are a reader that waits for a frame and a writer that waits for room.
func (b *bench) idles() []job {
	j := job{measure: "idle", metrics: []string{"cpu"}, longer: 10}
	for _, k := range b.kinds {
		reader := ours(k, zerobuffer.WaitAdaptive)
		writer := reader
		reader.which, writer.which = " reader", " writer"
		reader.roles = [2]string{"idle-read", "present"}
		writer.roles = [2]string{"full", "starve"}
		j.entrants = append(j.entrants, reader, writer)
	}
	return []job{j}
}

// loads are what spinning could hurt: a busy machine, and one processor for both.
func (b *bench) loads() []job {
	var jobs []job
	for _, measure := range []string{"loaded", "one cpu"} {
		for _, size := range b.Sizes {
			if !slices.Contains([]int{small, 64 << 10}, size) {
				continue
			}
			j := job{
				measure: measure, size: size, roles: [2]string{"receive", "send"},
				metrics: []string{"frames/s", "GB/s", "cpu/frame"},
			}
			for _, k := range b.kinds {
				j.entrants = append(j.entrants,
					ours(k, zerobuffer.WaitAdaptive), ours(k, zerobuffer.WaitBlock))
			}
			jobs = append(jobs, j)
		}
	}
	return jobs
}
