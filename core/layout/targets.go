//go:build !(amd64 || arm64 || riscv64 || loong64 || ppc64le || mips64le)

package layout

// This file is compiled only on targets that ZeroBuffer cannot serve, and stops the build there.
var _ int = "ZeroBuffer needs a 64-bit little-endian target (amd64, arm64, riscv64, loong64, ppc64le, mips64le)"
