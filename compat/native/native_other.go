//go:build !linux

package native

const defaultScheme = ""

var schemes []scheme
