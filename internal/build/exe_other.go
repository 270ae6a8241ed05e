//go:build !windows

package build

const exeSuffix = ""
