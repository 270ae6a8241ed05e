//go:build memfd

package native

const defaultScheme = "memfd"
