// Package death tests, with real processes and faults, that a side learns what has become of the
// other one and of the memory: killed, stopped, in another container, of another user, without a
// claim, its PID in use again; the segment removed or replaced, and no memory left.
package death
