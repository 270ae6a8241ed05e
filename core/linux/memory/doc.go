// Package memory reserves memory on Linux without the risk that the kernel ends the process for
// it. Backends share it; it is considered internal and not stable.
package memory
