// Package stress holds the tests that let chance work on real processes, with both backends of
// Linux: many that want the same role of a buffer at once, a writer and a reader that are paused
// and killed at random moments, and a long run at full speed. There is nothing to import.
//
// What a process was promised it writes into memory that it shares with the test, which survives
// its SIGKILL. The test then compares that with what may be, by rules that know nothing of the
// library: an owner word for the roles, and a FIFO for the frames.
//
// In an ordinary run each test stops after a few seconds. Two variables make them longer:
//
//	ZEROBUFFER_RUNS  rounds of each test, instead of a time
//	SOAK             how long the long run lasts, such as 1m or 2h
package stress
