package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// names counts the names that were given out.
var names int

func uniqueName() string {
	names++
	return fmt.Sprintf("zerobuffer-bench-%d-%d", os.Getpid(), names)
}

// runPair measures with two processes.
func (b *bench) runPair(
	ctx context.Context, j job, e entrant, d time.Duration,
) (result, error) {
	if j.measure == "loaded" {
		stop, err := b.load(ctx)
		if err != nil {
			return result{}, err
		}
		defer stop()
	}
	s := e.side
	s.Name, s.Size, s.Rate, s.Duration = uniqueName(), j.size, j.rate, d
	s.Profile = b.Profile
	var files [2][]*os.File
	if s.Means == meansSocket || s.Means == meansPipe {
		var err error
		if files[0], files[1], err = streamEnds(e.transport); err != nil {
			return result{}, err
		}
		defer closeAll(files[0], files[1])
	}
	launch := func(i int) func(context.Context) (*child, error) {
		return func(ctx context.Context) (*child, error) {
			// Who else holds an end keeps the other side from seeing that this one has closed.
			defer closeAll(files[i])
			return b.startSide(ctx, j, e, i, s, files[i])
		}
	}
	if e.python != [2]bool{} {
		defer removeLeftovers(s.Name)
	}
	results, err := together(ctx, launch(0), launch(1))
	if err != nil {
		return result{}, err
	}
	return combine(j, results)
}

// removeLeftovers removes the objects of a buffer: the Python peer leaves semaphores behind.
func removeLeftovers(name string) {
	for _, suffix := range []string{"", back} {
		for _, prefix := range []string{"", "sem.sem-w-", "sem.sem-r-"} {
			_ = os.Remove("/dev/shm/" + prefix + name + suffix) // most are gone already
		}
	}
}

// closeAll closes files, some of which may be closed already or there twice.
func closeAll(lists ...[]*os.File) {
	for _, files := range lists {
		for _, f := range files {
			_ = f.Close()
		}
	}
}

// startSide starts one of the two processes.
func (b *bench) startSide(
	ctx context.Context, j job, e entrant, i int, s side, files []*os.File,
) (*child, error) {
	s.Role = j.roles[i]
	if e.roles[i] != "" {
		s.Role = e.roles[i]
	}
	s.CPU = b.processor(i)
	var env []string
	if j.measure == "one cpu" {
		s.CPU = b.processor(0)
		env = append(env, "GOMAXPROCS=1")
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("describe a side: %w", err)
	}
	if e.python[i] {
		return start(ctx, b.stderr, []string{b.python, "-P", b.script, string(text)}, env, nil)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return start(ctx, b.stderr, []string{self}, append(env, sideVariable+"="+string(text)), files)
}

// load keeps both processors busy until it is stopped.
func (b *bench) load(ctx context.Context) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var busy []*child
	stop = func() {
		cancel()
		for _, c := range busy {
			_, _ = c.wait() // it was told to end, so it says nothing of interest
		}
	}
	for i := range 2 {
		c, err := b.startSide(ctx, job{roles: [2]string{"busy", "busy"}}, entrant{}, i, side{}, nil)
		if err != nil {
			stop()
			return nil, err
		}
		busy = append(busy, c)
	}
	return stop, nil
}

// combine puts the results of both processes together and looks whether all frames came whole.
func combine(j job, both [2]result) (result, error) {
	first, second := both[0], both[1]
	switch {
	case j.measure == roundTrip, j.measure == "idle":
	case first.Frames != second.Frames:
		return first, fmt.Errorf("count frames: %d were sent, %d received",
			second.Frames, first.Frames)
	case first.Sum != second.Sum:
		return first, fmt.Errorf("compare sums: %d was sent, %d received", second.Sum, first.Sum)
	case j.measure != "paced" && first.Rate <= 0:
		return first, errors.New("measure the speed: the duration is too short")
	}
	if j.measure != "idle" { // there the first one is who idles
		first.CPU += second.CPU
		first.Allocs += second.Allocs
	}
	return first, nil
}
