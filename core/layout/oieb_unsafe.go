package layout

import (
	"sync/atomic"
	"unsafe"
)

// OIEB is the Operation Info Exchange Block, laid over the first 128 bytes of a segment. Fields
// that both sides use while frames flow are atomic. The comment of each field names who writes
// it; the peer may be a program of another language, or broken, so every value that is read here
// has to be checked before it is used.
type OIEB struct {
	// Size is 128. The reader writes it once, before the segment is visible.
	Size atomic.Uint32
	// Version holds major, minor, patch and a reserved byte. The reader writes it once.
	Version [4]uint8
	// MetadataSize is the aligned size of the metadata block in bytes.
	MetadataSize atomic.Uint64
	// MetadataFree is MetadataSize less MetadataWritten. It is written and never relied on.
	MetadataFree atomic.Uint64
	// MetadataWritten is 8 + the length of the metadata; 0 says that there is none. The writer's
	// store is the commit of the metadata.
	MetadataWritten atomic.Uint64
	// PayloadSize is the aligned size of the ring in bytes.
	PayloadSize atomic.Uint64
	// PayloadFree is changed by both sides, by atomic addition and subtraction only.
	PayloadFree atomic.Uint64
	// WritePos is where the writer puts the next frame, an offset in the payload block.
	WritePos atomic.Uint64
	// ReadPos is where the reader goes on. The writer stores 0 when it starts again at offset 0
	// of a drained ring.
	ReadPos atomic.Uint64
	// WrittenCount counts frames and wrap markers. It drifts between peers: never rely on it.
	WrittenCount atomic.Uint64
	// ReadCount counts what the reader has passed. It drifts like WrittenCount.
	ReadCount atomic.Uint64
	// WriterPID is the process of the writer, 0 for none.
	WriterPID atomic.Uint64
	// ReaderPID is the process of the reader, 0 for none.
	ReaderPID atomic.Uint64
	// Reserved is 0 in version 1.
	Reserved [4]uint64
}

// The layout of the OIEB is checked when the package is compiled: an index out of range below
// means that a field has moved.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(OIEB{})-OIEBSize]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.MetadataSize)-0x08]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.PayloadSize)-0x20]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.PayloadFree)-0x28]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.WritePos)-0x30]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.ReadPos)-0x38]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.WriterPID)-0x50]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.ReaderPID)-0x58]
	_ = [1]struct{}{}[unsafe.Offsetof(OIEB{}.Reserved)-0x60]
)
