package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

const description = `Measures what moves between two processes, side by side with other means.
Every byte is written on one side and read on the other, unless a row says zero-copy.`

// options are the command line.
type options struct {
	Measure    []string      `help:"What to measure, separated by commas: ${enum}." enum:"round-trip,one-way,reserve,paced,idle,loaded,one-cpu" default:"round-trip,one-way,reserve,paced,idle,loaded,one-cpu" placeholder:"LIST"`
	Transports []string      `help:"Leave out all transports but these, named as in the tables: posix, posix-block, unix-socket, bare-transfer..." placeholder:"LIST"`
	Backends   []string      `help:"Which buffers to measure: beginnings of addresses, such as posix, memfd, memfd:@, memfd:/some/dir/. All backends if not given." placeholder:"LIST"`
	Sizes      []int         `help:"Bytes of a frame, multiples of 64 up to 4 MiB." default:"64,1024,65536,3110400" placeholder:"LIST"`
	Duration   time.Duration `help:"How long each transport is measured in each measurement, all rounds together. Paced and idle ones take ten times as long, idle ones in one round." default:"1s"`
	Rounds     int           `help:"In how many rounds, in which all transports take turns." default:"9"`
	Pin        bool          `help:"Keep each of the two processes, with all its threads, on a processor of its own: each process moves itself there before it does anything else. Without, the scheduler may put both on one, which flatters what blocks. Works on Linux with two processors or more; elsewhere it is left out, and the report says so." default:"true" negatable:""`
	JSON       string        `name:"json" help:"Write the report to this file." placeholder:"FILE"`
	Benchfmt   string        `help:"Write the numbers to this file as Go's benchmarks print them, for benchstat." placeholder:"FILE"`
	Plots      string        `help:"Draw the numbers as SVG files in this directory." placeholder:"DIR"`
	Profile    string        `help:"Write a CPU profile of each side to this directory; of what is measured last, if that is more than one thing." placeholder:"DIR"`
	Quick      bool          `help:"Everything once, in about 40 seconds; the numbers say little."`

	kinds []kind // of Backends
}

// kind is one choice of --backends.
type kind struct{ label, address string }

// measures are the choices of --measure as reports name them, in the order of the run.
var measures = []string{
	roundTrip, oneWay, "reserve", "paced", "idle", "loaded", "one cpu",
}

const (
	roundTrip = "round trip"
	oneWay    = "one way"
)

// check looks at the values.
func (o *options) check() error {
	if o.Quick {
		o.Duration, o.Rounds = quickDuration, 1
	}
	if o.Duration <= 0 {
		return errors.New("--duration: has to be above 0")
	}
	if o.Rounds < 1 {
		return errors.New("--rounds: has to be 1 or more")
	}
	for _, size := range o.Sizes {
		if size < 64 || size > 4<<20 || size%64 != 0 {
			return fmt.Errorf("--sizes: %d is not a multiple of 64 up to 4 MiB", size)
		}
	}
	known := transportNames()
	if len(o.Backends) == 0 {
		o.Backends = native.Backends()
	}
	for _, scheme := range o.Backends {
		k := kind{scheme, scheme}
		if !strings.Contains(scheme, ":") {
			k.address += ":"
		}
		if _, _, err := native.Resolve(k.address + "name"); err != nil {
			return fmt.Errorf("--backends: %w", err)
		}
		o.kinds = append(o.kinds, k)
		known = append(known, scheme, scheme+"-block", scheme+"-spin")
	}
	for _, name := range o.Transports {
		if !slices.Contains(known, name) {
			return fmt.Errorf("--transports: %q is none of %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// quickDuration is the time of a measurement with --quick.
const quickDuration = 40 * time.Millisecond

// wants tells whether a measure was chosen.
func (o *options) wants(measure string) bool {
	return slices.Contains(o.Measure, dashed(measure))
}

// takes tells whether a transport was chosen.
func (o *options) takes(transport string) bool {
	return len(o.Transports) == 0 || slices.Contains(o.Transports, dashed(transport))
}

// dashed is how a name of a table is written on the command line.
func dashed(name string) string { return strings.ReplaceAll(name, " ", "-") }

// processors are the two on which the processes run, nil if they are not pinned.
func (o *options) processors() []int {
	if !o.Pin {
		return nil
	}
	return twoProcessors()
}
