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
	b, err := r.metadata()
	if errors.Is(err, ErrClosed) {
		return nil, ErrClosed
	}
	return b, r.s.errorf("read metadata of", err)
}

func (r *Reader) metadata() (b []byte, err error) {
	err = r.s.look(func() error {
		b, err = readMetadata(r.s.seg)
		return err
	})
	return b, err
}

// WaitMetadata waits until the writer has set metadata and returns a copy. It ends with
// [ErrWriterClosed] or [ErrWriterDead] when a writer goes that has set none; called again after a
// close it waits for the next one.
func (r *Reader) WaitMetadata(ctx context.Context) ([]byte, error) {
	var b []byte
	var seen uint64 // the writer that was there at the last look
	err := r.s.poll(ctx, "wait for metadata of", func(look bool) (done bool, err error) {
		err = r.s.look(func() (err error) {
			gone := r.left(&seen) // before the look at what it may have set last
			if b, err = readMetadata(r.s.seg); !errors.Is(err, ErrNoMetadata) {
				done = true
				return err
			}
			if gone == nil && look {
				gone = r.s.ch.Check()
			}
			return gone
		})
		return done, err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// mostCopied is how many bytes of changing metadata are copied before it is given up.
const mostCopied = 16 << 20

// readMetadata copies the content. A second C# writer may rewrite it, length first, so the length
// is bounded by the words of the OIEB and by the block, and the copy counts if it was the same
// twice (contract 2).
func readMetadata(seg layout.Segment) ([]byte, error) {
	var last []byte
	var copied uint64
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
		content := seg.Metadata[layout.MetadataPrefix:][:n]
		if bytes.Equal(content, last) {
			return last, nil
		}
		last = append(last[:0], content...)
		if copied += n; copied > mostCopied && copied != n {
			break // a large block takes long to copy
		}
	}
	return nil, fmt.Errorf("metadata changes all the time: %w", ErrCorrupt)
}

// SetMetadata sets the metadata of the buffer, once: [ErrMetadataSet] says that this or an earlier
// writer did. b has 1 byte or more and at most the metadata size of the buffer less 8; it is
// copied.
func (w *Writer) SetMetadata(b []byte) (err error) {
	if err := w.s.enter(); err != nil {
		return err
	}
	defer w.s.leave(guard(), &err)
	return w.s.errorf("set metadata of", w.keepMetadata(b, w.setMetadata(b)))
}

func (w *Writer) setMetadata(b []byte) error {
	if err := w.meetPeers(); err != nil {
		return err
	}
	o, block := w.s.seg.OIEB, w.s.seg.Metadata
	switch {
	case o.MetadataWritten.Load() != 0:
		return ErrMetadataSet
	case len(b) == 0:
		return ErrEmptyMetadata
	}
	if err := checkMetadata(w.s.seg, b); err != nil {
		return err
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

// checkMetadata tells whether b fits into the buffer.
func checkMetadata(seg layout.Segment, b []byte) error {
	if room := max(0, len(seg.Metadata)-layout.MetadataPrefix); len(b) > room {
		return &MetadataSizeError{Size: int64(len(b)), Max: int64(room)}
	}
	return nil
}
