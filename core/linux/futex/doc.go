// Package futex is a counting semaphore in one word of shared memory, for the backends of Linux:
// the word of the C library glibc and the system calls that block on it. It is considered internal
// and not stable.
package futex
