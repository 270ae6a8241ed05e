package layout

import "encoding/binary"

// Header is the 16 bytes in front of a frame: payload size and sequence number. Size 0 with
// sequence number 0 is a wrap marker: the next frame is at offset 0. Headers are not aligned, so
// they are read and written by plain accesses; what orders them is the atomic word next to each
// access (write_pos, payload_free_bytes, the token), which the callers name.
type Header struct {
	// Size is the number of payload bytes that follow.
	Size uint64
	// Seq is the sequence word: the number of the frame, from 1, and perhaps [Unfinished].
	Seq uint64
}

// IsWrap tells whether the header is a wrap marker.
func (h Header) IsWrap() bool { return h.Size == 0 && h.Seq == 0 }

// Number is the sequence number without the [Unfinished] mark.
func (h Header) Number() uint64 { return h.Seq &^ Unfinished }

// IsUnfinished tells whether the frame carries the [Unfinished] mark.
func (h Header) IsUnfinished() bool { return h.Seq&Unfinished != 0 }

// ReadHeader copies the header at the start of b, which must hold [HeaderSize] bytes. The race
// detector does not look at it: a peer may rewrite a header at any time, and every use of the
// copy is checked.
//
//go:norace
func ReadHeader(b []byte) Header {
	_ = b[HeaderSize-1]
	return Header{Size: binary.LittleEndian.Uint64(b), Seq: binary.LittleEndian.Uint64(b[8:])}
}

// WriteSize stores the size word of the header at the start of b.
//
//go:norace
func WriteSize(b []byte, size uint64) { binary.LittleEndian.PutUint64(b[:8], size) }

// WriteSeq stores the sequence word of the header at the start of b.
//
//go:norace
func WriteSeq(b []byte, seq uint64) { binary.LittleEndian.PutUint64(b[8:HeaderSize], seq) }
