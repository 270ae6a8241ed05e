//go:build linux && race

package death

const raceEnabled = true
