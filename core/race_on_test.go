//go:build race

package zerobuffer_test

// raceEnabled says that the race detector is on, which allocates by itself.
const raceEnabled = true
