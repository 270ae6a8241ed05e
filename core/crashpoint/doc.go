// Package crashpoint numbers the places where the protocol touches what other processes see: words
// of shared memory, names in the file system, locks. In a normal build there is nothing of it; with
// the tag zbsteps a test can act at each place, for example end the process there, or let the other
// side run. It is considered internal and not stable.
package crashpoint
