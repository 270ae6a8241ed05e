//go:build !memfd

package native

const defaultScheme = "posix"
