package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// twoProcessors returns the first two on which this process may run, nil if there are not as many.
func twoProcessors() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil || set.Count() < 2 {
		return nil
	}
	var two []int
	for cpu := 0; len(two) < 2; cpu++ {
		if set.IsSet(cpu) {
			two = append(two, cpu)
		}
	}
	return two
}

// pinTo moves this process to a processor: all threads, and those that they will make. What Go
// knows about the number of processors stays as it was at the start.
func pinTo(cpu int) error {
	// A number that was set once does not follow the set of processors.
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var set unix.CPUSet
	set.Set(cpu)
	for seen := 0; ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list the threads: %w", err)
		}
		if len(threads) == seen { // none was made meanwhile by one that had not moved yet
			return nil
		}
		seen = len(threads)
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return fmt.Errorf("list the threads: %w", err)
			}
			if err := unix.SchedSetaffinity(id, &set); err != nil {
				return fmt.Errorf("move thread %d to processor %d: %w", id, cpu, err)
			}
		}
	}
}
