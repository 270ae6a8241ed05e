//go:build !linux && !windows

package native

const defaultScheme = ""

var schemes []scheme
