package posixshm

import "strconv"

// CLibrary is a C library whose named semaphores a buffer can have. Each has its own file names
// and its own layout (wire contract, section 6), so a buffer has one kind: programs that are
// linked with the other library look for other files and do not find it.
type CLibrary uint8

const (
	// Glibc is the C library of most Linux distributions.
	Glibc CLibrary = iota
	// Musl is the C library of Alpine, in versions before and since 1.2.4, which differ.
	Musl
)

// String returns "glibc" or "musl".
func (l CLibrary) String() string {
	switch l {
	case Glibc:
		return "glibc"
	case Musl:
		return "musl"
	}
	return "C library " + strconv.Itoa(int(l))
}
