package zerobuffer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Metadata returns a copy of the metadata that the writer has set, and [ErrNoMetadata] if there is
// none yet.
func (r *Reader) Metadata() ([]byte, error) {
	if !r.s.pin() {
		return nil, ErrClosed
	}
	defer r.s.unpin()
	b, err := readMetadata(r.s.seg)
	return b, r.s.errorf("read metadata of", err)
}

// WaitMetadata waits until the writer has set metadata and returns a copy.
func (r *Reader) WaitMetadata(ctx context.Context) ([]byte, error) {
	var b []byte
	var err error
	waited := r.s.poll(ctx, "wait for metadata of", func() bool {
		if !r.s.pin() {
			return false
		}
		defer r.s.unpin()
		b, err = readMetadata(r.s.seg)
		return !errors.Is(err, ErrNoMetadata)
	})
	if waited != nil {
		return nil, waited
	}
	return b, r.s.errorf("read metadata of", err)
}

// readMetadata copies the content. A second C# writer may rewrite it, length first, so the length
// is bounded by the words of the OIEB and by the block, and the copy counts if it was the same
// twice (contract 2).
func readMetadata(seg layout.Segment) ([]byte, error) {
	var last []byte
	for range 100 {
		written := seg.OIEB.MetadataWritten.Load()
		if written == 0 {
			return nil, ErrNoMetadata
		}
		size := uint64(len(seg.Metadata))
		if written < layout.MetadataPrefix || written > size {
			return nil, fmt.Errorf("metadata_written_bytes is %d, the block has %d: %w",
				written, size, ErrCorrupt)
		}
		n := binary.LittleEndian.Uint64(seg.Metadata)
		switch {
		case n == 0:
			return nil, ErrNoMetadata
		case n > written-layout.MetadataPrefix:
			return nil, fmt.Errorf("metadata length is %d, but %d bytes were written: %w",
				n, written-layout.MetadataPrefix, ErrCorrupt)
		}
		content := bytes.Clone(seg.Metadata[layout.MetadataPrefix:][:n])
		if bytes.Equal(content, last) {
			return content, nil
		}
		last = content
	}
	return nil, fmt.Errorf("metadata changes all the time: %w", ErrCorrupt)
}

// SetMetadata sets the metadata of the buffer, once: [ErrMetadataSet] says that this or an earlier
// writer did. b has 1 byte or more and at most the metadata size of the buffer less 8; it is
// copied.
func (w *Writer) SetMetadata(b []byte) error {
	if err := w.s.enter(); err != nil {
		return err
	}
	defer w.s.leave()
	return w.s.errorf("set metadata of", w.setMetadata(b))
}

func (w *Writer) setMetadata(b []byte) error {
	if err := w.meetPeers(); err != nil {
		return err
	}
	o, block := w.s.seg.OIEB, w.s.seg.Metadata
	room := max(0, len(block)-layout.MetadataPrefix)
	switch {
	case o.MetadataWritten.Load() != 0:
		return ErrMetadataSet
	case len(b) == 0:
		return ErrEmptyMetadata
	case len(b) > room:
		return &MetadataSizeError{Size: int64(len(b)), Max: int64(room)}
	}
	// The order of contract 2: content, length, and the store that commits both.
	copy(block[layout.MetadataPrefix:], b)
	crashpoint.At("metadata")
	binary.LittleEndian.PutUint64(block, uint64(len(b)))
	crashpoint.At("metadata-length")
	written := uint64(layout.MetadataPrefix + len(b))
	o.MetadataFree.Store(uint64(len(block)) - written)
	crashpoint.At("metadata-free")
	o.MetadataWritten.Store(written)
	crashpoint.At("metadata-written")
	w.s.log.Debug("metadata set", "bytes", len(b))
	return nil
}
