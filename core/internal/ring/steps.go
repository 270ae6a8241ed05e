package ring

import "github.com/zerobuffer-go/zerobuffer/core/crashpoint"

// step marks a place between two stores to shared memory, or two loads that belong together. A test
// may kill this side there, or let the other one run; in a normal build it is nothing.
func step(name string) { crashpoint.At(name) }
