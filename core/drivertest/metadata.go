package drivertest

import (
	"encoding/binary"
	"errors"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

const metaRule = "contract 2, metadata: "

var metadataCases = []testCase{
	{"metadata-bytes", metaRule + "a length of 8 bytes, the content, and both in " +
		"metadata_written_bytes", metadataBytes},
	{"metadata-refused", metaRule + "once a buffer, not empty, not too large; a refusal changes " +
		"nothing", metadataRefused},
	{
		"metadata-foreign", metaRule + "a length is bounded by metadata_written_bytes and the block",
		metadataForeign,
	},
	{"metadata-none", metaRule + "a block of size 0 is legal", metadataNone},
}

func metadataBytes(c *C) {
	r := c.ring(1024)
	if _, err := r.Metadata(); !errors.Is(err, zerobuffer.ErrNoMetadata) {
		c.failf("no metadata: error is %v, want ErrNoMetadata", err)
	}
	w, p := c.writer(), c.channel()
	c.must(w.SetMetadata([]byte("hello")))
	equal(c, "length", binary.LittleEndian.Uint64(p.seg.Metadata), 5)
	equal(c, "content", string(p.seg.Metadata[8:13]), "hello")
	equal(c, "metadata_written_bytes", p.o.MetadataWritten.Load(), 13)
	equal(c, "metadata_free_bytes", p.o.MetadataFree.Load(), 4096-13)
	b, err := r.Metadata()
	c.must(err)
	equal(c, "Metadata", string(b), "hello")
}

func metadataRefused(c *C) {
	c.reader(zerobuffer.ReaderOptions{PayloadSize: 1024, MetadataSize: 64})
	w, p := c.writer(), c.channel()
	before := p.memory()
	for _, n := range []int{0, 57, 1000} {
		err := w.SetMetadata(make([]byte, n))
		if !errors.Is(err, zerobuffer.ErrMetadataTooLarge) &&
			!errors.Is(err, zerobuffer.ErrEmptyMetadata) {
			c.failf("metadata of %d bytes: error is %v", n, err)
		}
	}
	if p.memory() != before {
		c.failf("refused metadata has changed the segment")
	}
	c.must(w.SetMetadata(make([]byte, 56)))
	before = p.memory()
	if err := w.SetMetadata([]byte("again")); !errors.Is(err, zerobuffer.ErrMetadataSet) {
		c.failf("second metadata: error is %v", err)
	}
	if p.memory() != before {
		c.failf("second metadata has changed the segment")
	}
}

func metadataForeign(c *C) {
	r := c.ring(1024)
	p := c.channel().connect()
	set := func(length, written uint64) {
		binary.LittleEndian.PutUint64(p.seg.Metadata, length)
		p.o.MetadataWritten.Store(written)
	}
	for _, bad := range [][2]uint64{
		{6, 13}, {5, 4}, {4089, 4097}, {1 << 63, 13}, {^uint64(0), ^uint64(0)},
	} {
		set(bad[0], bad[1])
		if _, err := r.Metadata(); !errors.Is(err, zerobuffer.ErrCorrupt) {
			c.failf("length %d with %d written: error is %v, want ErrCorrupt", bad[0], bad[1], err)
		}
	}
	set(0, 8)
	if _, err := r.Metadata(); !errors.Is(err, zerobuffer.ErrNoMetadata) {
		c.failf("length 0: error is %v, want ErrNoMetadata", err)
	}
	copy(p.seg.Metadata[8:], "foreign")
	set(3, 15) // a second C# writer has stored its length first
	b, err := r.Metadata()
	c.must(err)
	equal(c, "Metadata", string(b), "for")
}

func metadataNone(c *C) {
	r := c.reader(zerobuffer.ReaderOptions{PayloadSize: 1024, MetadataSize: -1})
	w, p := c.writer(), c.channel()
	equal(c, "metadata_size", p.o.MetadataSize.Load(), 0)
	if err := w.SetMetadata([]byte("x")); !errors.Is(err, zerobuffer.ErrMetadataTooLarge) {
		c.failf("metadata without a block: error is %v", err)
	}
	if _, err := r.Metadata(); !errors.Is(err, zerobuffer.ErrNoMetadata) {
		c.failf("no metadata: error is %v, want ErrNoMetadata", err)
	}
	c.write(w, 1, 100)
	c.read(r, 1, 100).Release()
}
