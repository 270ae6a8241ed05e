//go:build !linux

package main

// twoProcessors returns nil: nothing is pinned here.
func twoProcessors() []int { return nil }

func pinTo(int) error { return nil }
