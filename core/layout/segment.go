package layout

import "fmt"

// Segment is a checked view of a mapped segment. Geometry is a private copy, read once: a peer
// that changes the sizes later has no effect on it. A Segment lives as long as the mapping.
type Segment struct {
	OIEB     *OIEB
	Geometry Geometry
	// Metadata and Payload are the two blocks; cap == len for both.
	Metadata []byte
	Payload  []byte
}

// Format writes the OIEB of a new buffer into mem, which must be zero and must hold
// g.SegmentSize() bytes. It is called before the segment becomes visible to others; the reader's
// PID is stored last, because peers take it as "ready" (wire contract, section 5).
func Format(mem []byte, g Geometry, readerPID uint64) (Segment, error) {
	if uint64(len(mem)) < g.SegmentSize() {
		return Segment{}, fmt.Errorf("segment has %d bytes, %d are needed", len(mem), g.SegmentSize())
	}
	o, err := View(mem)
	if err != nil {
		return Segment{}, err
	}
	o.Size.Store(OIEBSize)
	o.Version = [4]uint8{VersionMajor, VersionMinor, VersionPatch, 0}
	o.MetadataSize.Store(g.MetadataSize)
	o.MetadataFree.Store(g.MetadataSize)
	o.PayloadSize.Store(g.PayloadSize)
	o.PayloadFree.Store(g.PayloadSize)
	o.ReaderPID.Store(readerPID)
	return slice(o, mem, g), nil
}

// Attach checks the segment that a reader has made and returns its view. The error matches
// [ErrNotReady] while the reader is still busy with it, and [ErrIncompatible] when it can never
// be used. Nothing is written.
func Attach(mem []byte) (Segment, error) {
	o, err := View(mem)
	if err != nil {
		return Segment{}, err
	}
	if size := o.Size.Load(); size == 0 {
		return Segment{}, fmt.Errorf("oieb_size is 0: %w", ErrNotReady)
	} else if size != OIEBSize {
		return Segment{}, fmt.Errorf("oieb_size is %d, expected %d: %w", size, OIEBSize, ErrIncompatible)
	}
	// Version is plain memory: a peer writes it once, before its PID, which is checked below.
	if v := o.Version; v[0] != VersionMajor {
		if o.ReaderPID.Load() == 0 {
			return Segment{}, fmt.Errorf("reader_pid is 0: %w", ErrNotReady)
		}
		return Segment{}, fmt.Errorf("protocol version %d.%d.%d, this program speaks %d.x: %w",
			v[0], v[1], v[2], VersionMajor, ErrIncompatible)
	}
	if o.ReaderPID.Load() == 0 {
		return Segment{}, fmt.Errorf("reader_pid is 0: %w", ErrNotReady)
	}
	g := Geometry{MetadataSize: o.MetadataSize.Load(), PayloadSize: o.PayloadSize.Load()}
	if err := g.check(uint64(len(mem))); err != nil {
		return Segment{}, err
	}
	return slice(o, mem, g), nil
}

func slice(o *OIEB, mem []byte, g Geometry) Segment {
	p, end := g.PayloadOffset(), g.SegmentSize()
	return Segment{
		OIEB:     o,
		Geometry: g,
		Metadata: mem[OIEBSize:p:p],
		Payload:  mem[p:end:end],
	}
}
