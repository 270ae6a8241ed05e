//go:build zbsteps

package ring

// onStep is called at each step with its name; tests stop or interleave there.
var onStep = func(string) {}

// step marks a place between two stores to shared memory, where a test may kill this side or let
// the other one run.
func step(name string) { onStep(name) }
