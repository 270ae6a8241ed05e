//go:build memfd

package native

const wantDefault = "memfd"
