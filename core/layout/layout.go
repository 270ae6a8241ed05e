// Package layout describes the bytes of a ZeroBuffer 1.0.0 segment: constants, the Operation
// Info Exchange Block (OIEB), the geometry of the blocks and the frame header.
//
// A segment holds three blocks, one after the other:
//
//	offset 0                     OIEB, 128 bytes
//	offset 128                   metadata block, MetadataSize bytes
//	offset 128 + MetadataSize    payload block (the ring), PayloadSize bytes
//
// All numbers are little-endian. The facts come from section 2 of the wire contract, which was
// measured against the C++, C# and Python programs; see docs/protocol.md.
package layout

import "math"

const (
	// OIEBSize is the size of the Operation Info Exchange Block and the value of its first field.
	OIEBSize = 128
	// HeaderSize is the size of the header in front of each frame: two 64-bit words.
	HeaderSize = 16
	// MetadataPrefix is the size of the length word in front of the metadata.
	MetadataPrefix = 8
	// BlockAlignment is what metadata and payload sizes are rounded up to.
	BlockAlignment = 64

	// VersionMajor is the protocol version that this module speaks; another one is refused at
	// attach.
	VersionMajor = 1
	// VersionMinor is written, and any value is accepted.
	VersionMinor = 0
	// VersionPatch is written, and any value is accepted.
	VersionPatch = 0
)

// Unfinished is the bit of a sequence word that says that the writer has not yet settled the
// accounts of this frame. Peers never see it in a frame whose token was posted.
const Unfinished uint64 = 1 << 63

// Align returns n rounded up to a multiple of boundary, which must be a power of two. It is what
// the peers call align_to_boundary. The result is only meaningful for n <= MaxSize.
func Align(n, boundary uint64) uint64 {
	return (n + boundary - 1) &^ (boundary - 1)
}

// MaxSize is the largest size of a segment: what an int can hold, less room for alignment.
const MaxSize = math.MaxInt64 - 4096
