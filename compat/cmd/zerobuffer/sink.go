package main

import (
	"crypto/md5" //nolint:gosec // the peers' tools print MD5; it tells equal frames, no more
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/zerobuffer-go/zerobuffer/compat/internal/pattern"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// sink is where the frames of a reader go: verified, hashed and written out.
type sink struct {
	res       *result
	pattern   pattern.Pattern
	size      int
	checksums bool
	all       hash.Hash // nil if nobody wants it
	out       io.Writer // nil if nobody wants it
	closer    io.Closer

	// firstBad is the first frame that failed its verification.
	firstBad error
	// seenMetadata is set when the metadata, if any, is counted.
	seenMetadata bool
}

// sink opens what the options name.
func (c *readerCmd) sink(e *env, res *result) (*sink, error) {
	p, err := pattern.Parse(c.Verify)
	if err != nil {
		return nil, usageError("--verify: %w", err)
	}
	s := &sink{res: res, pattern: p, checksums: c.Checksum}
	if c.Size != nil {
		s.size = int(*c.Size)
	}
	if c.Checksum || c.Hash {
		s.all = sha256.New()
	}
	switch c.Output {
	case "":
	case "-":
		s.out = e.stdout
	default:
		file, err := os.Create(c.Output)
		if err != nil {
			return nil, usageError("--output: %w", err)
		}
		s.out, s.closer = file, file
	}
	return s, nil
}

// take uses frames and gives them back, all of them, whatever goes wrong.
func (s *sink) take(r *zerobuffer.Reader, frames []zerobuffer.Frame) error {
	var err error
	for _, f := range frames {
		if err == nil {
			s.countMetadata(r)
			err = s.use(f.Bytes())
		}
		f.Release()
	}
	return err
}

// countMetadata looks at each frame until there is metadata: a writer may set it late.
func (s *sink) countMetadata(r *zerobuffer.Reader) {
	if s.seenMetadata {
		return
	}
	metadata, err := r.Metadata()
	s.seenMetadata = !errors.Is(err, zerobuffer.ErrNoMetadata)
	s.res.MetadataSize = int64(len(metadata))
}

// use handles one frame.
func (s *sink) use(data []byte) error {
	s.res.start()
	number := s.res.frames
	s.verify(data, number)
	if s.checksums && number < maxListed {
		sum := md5.Sum(data) //nolint:gosec // see the import
		*s.res.Checksums = append(*s.res.Checksums,
			checksum{number, hex.EncodeToString(sum[:])})
	}
	if s.all != nil {
		s.all.Write(data)
	}
	if s.out != nil {
		if _, err := s.out.Write(data); err != nil {
			return fmt.Errorf("write frame %d to the output: %w", number+1, err)
		}
	}
	s.res.add(1, int64(len(data)))
	return nil
}

// verify checks size and bytes, and notes what is wrong.
func (s *sink) verify(data []byte, number int64) {
	var err error
	if s.size > 0 && len(data) != s.size {
		err = fmt.Errorf("verify frame %d: it has %d bytes, --size says %d",
			number, len(data), s.size)
	} else {
		err = s.pattern.Verify(data, uint64(number))
	}
	if err == nil {
		return
	}
	s.res.VerificationErrors++
	s.res.fail(err)
	if s.firstBad == nil {
		s.firstBad = err
	}
}

// close completes the hash and the output.
func (s *sink) close() error {
	if s.all != nil {
		s.res.SHA256 = hex.EncodeToString(s.all.Sum(nil))
	}
	if s.closer != nil {
		return s.closer.Close()
	}
	return nil
}
