package layout

import (
	"fmt"
)

// Geometry is the size of the blocks of a segment in bytes. Both sizes are multiples of
// [BlockAlignment] in the segments that this module makes; peers may store others.
type Geometry struct {
	MetadataSize uint64
	PayloadSize  uint64
}

// NewGeometry returns the geometry for a metadata block and a ring of at least the given sizes in
// bytes. A negative size, a ring of 0 bytes and a sum that overflows are errors.
func NewGeometry(metadata, payload int64) (Geometry, error) {
	switch {
	case metadata < 0:
		return Geometry{}, fmt.Errorf("metadata size %d: must not be negative", metadata)
	case payload <= 0:
		return Geometry{}, fmt.Errorf("payload size %d: must be positive", payload)
	case metadata > MaxSize, payload > MaxSize-metadata-OIEBSize:
		return Geometry{}, fmt.Errorf("metadata size %d and payload size %d: "+
			"the segment would be larger than %d bytes", metadata, payload, int64(MaxSize))
	}
	return Geometry{
		MetadataSize: Align(uint64(metadata), BlockAlignment),
		PayloadSize:  Align(uint64(payload), BlockAlignment),
	}, nil
}

// SegmentSize is the size of the whole segment in bytes.
func (g Geometry) SegmentSize() uint64 { return OIEBSize + g.MetadataSize + g.PayloadSize }

// PayloadOffset is where the ring starts in the segment.
func (g Geometry) PayloadOffset() uint64 { return OIEBSize + g.MetadataSize }

// check tells why g does not fit a segment of size bytes. It must hold for any values, because a
// peer has written them: no sum is formed that can overflow.
func (g Geometry) check(size uint64) error {
	switch {
	case size < OIEBSize:
		return fmt.Errorf("segment has %d bytes, less than the OIEB's %d: %w",
			size, OIEBSize, ErrNotReady)
	case g.PayloadSize < HeaderSize+1:
		return fmt.Errorf("payload_size is %d, too small for a frame: %w",
			g.PayloadSize, ErrIncompatible)
	case g.MetadataSize > size-OIEBSize:
		return fmt.Errorf("metadata_size is %d, but the segment has %d bytes: %w",
			g.MetadataSize, size, ErrIncompatible)
	case g.PayloadSize > size-OIEBSize-g.MetadataSize:
		return fmt.Errorf("payload_size is %d, but the segment has %d bytes, "+
			"%d of them before the payload: %w",
			g.PayloadSize, size, OIEBSize+g.MetadataSize, ErrIncompatible)
	case g.MetadataSize%8 != 0:
		return fmt.Errorf("metadata_size is %d, not a multiple of 8: %w",
			g.MetadataSize, ErrIncompatible)
	}
	return nil
}
