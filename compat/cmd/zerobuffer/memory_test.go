package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// No huge page fits into a small ring, on any system: the commands say so and do their work.
func TestMemoryOptions(t *testing.T) {
	in, out := newName(), newName()
	flags := []string{"--prefault", "--huge-pages", "--lock-memory", "--timeout-ms=30000"}
	run := func(args ...string) *running { return start(t, nil, append(args, flags...)...) }
	last := run("reader", out, small, "-n", "3", "--verify", "sequential")
	relay := run("relay", in, out, small, "-n", "3")
	first := run("writer", in, "-n", "3")
	warnings := func(c *running) int {
		return strings.Count(c.exits(exitOK).stderr.String(), "option=HugePages")
	}
	require.Equal(t, 2, warnings(relay), "one for each side")
	require.Equal(t, 1, warnings(first))
	require.Equal(t, 1, warnings(last))
}

func TestMemoryOptionsNotAskedFor(t *testing.T) {
	name := newName()
	r := start(t, nil, "reader", name, small, "-n", "1")
	w := start(t, nil, "writer", name, "-n", "1")
	require.Empty(t, w.exits(exitOK).stderr.String())
	require.Empty(t, r.exits(exitOK).stderr.String())
}
